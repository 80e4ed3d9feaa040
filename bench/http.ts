import assert from "node:assert/strict";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compareBuilds, type Speedup } from "./http/compare-builds.ts";
import { contestants, retryContestants } from "./http/contestants.ts";
import { measureFailureCost } from "./http/failure-cost.ts";
import { measureFailingHeap } from "./http/heap-growth.ts";
import { startOrigin } from "./http/origin.ts";
import { cpuPerRequest, race, ratio, type Result } from "./http/race.ts";
import type { Work } from "./http/work.ts";
import {
  nodeWorker,
  pythonContestants,
  pythonWorker,
  type RaceName,
  type Worker,
} from "./http/start-worker.ts";

const { values: options } = parseArgs({
  options: {
    /** Makes a hundred requests per contestant and compares every body, instead of measuring. */
    quick: { type: "boolean", default: false },
    /** How often each contestant does the work. Default 7, with `--against` 15. */
    rounds: { type: "string" },
    seconds: { type: "string", default: "0.4" },
    /** Names of contestants, separated by commas. */
    only: { type: "string" },
    /** Separated by commas. Default all of them, with `--against` `/1k`. */
    paths: { type: "string" },
    /** Numbers of requests in flight, separated by commas. Default 1,64, with `--against` 64. */
    concurrency: { type: "string" },
    /** Compares `packages/http/dist` with that of the built clone in this directory, and runs no other contestant. */
    against: { type: "string" },
  },
});

const { against, quick } = options;
const minAgainstRounds = 15;
const paths = (options.paths ?? (against === undefined ? "/1k,/20k,/100k,/flaky,/flaky-json" : "/1k")).split(
  ",",
);
const concurrencies = (options.concurrency ?? (against === undefined ? "1,64" : "64")).split(",").map(Number);
const rounds = quick ? 1 : Number(options.rounds ?? (against === undefined ? 7 : minAgainstRounds));
const sizes: Readonly<Record<string, number>> = {
  "/1k": 1,
  "/20k": 20,
  "/100k": 100,
  "/flaky": 1,
  "/flaky-json": 1,
};

function createWork(origin: string, path: string, concurrency: number): Work {
  const bytes = (sizes[path] ?? 0) * 1024;
  const amount = quick
    ? { requests: 100, seconds: 10, verify: true }
    : { requests: Infinity, seconds: Number(options.seconds), verify: false };
  // JSON has no Infinity.
  return { url: origin + path, bytes, concurrency, ...amount, requests: Math.min(amount.requests, 1e9) };
}

function selectNames(names: readonly string[]): readonly string[] {
  const only = options.only?.split(",");
  return only === undefined ? names : names.filter((name) => only.includes(name));
}

function startAll(kind: RaceName, origin: string): readonly Worker[] {
  const here = Object.keys(kind === "plain" ? contestants : retryContestants);
  const python = pythonContestants();
  for (const name of python.missing) console.log(`Skipped: python3-${name} is not installed`);
  // aiohttp has no retries.
  const there = python.found.filter((name) => kind === "plain" || name === "requests");
  return [
    ...selectNames(here).map((name) => nodeWorker(kind, name, origin)),
    ...selectNames(there).map((name) => pythonWorker(kind, name)),
  ];
}

function printRow(cells: readonly string[]): void {
  console.log(`| ${cells.join(" | ")} |`);
}

function printRace(title: string, results: readonly Result[]): void {
  const [reference] = results;
  if (reference === undefined || quick) return console.log(`${title}: all bodies are correct`);
  console.log(`\n${title}\n`);
  printRow(["", "× time", "× processor time", "µs of processor"]);
  printRow(["---", "--:", "--:", "--:"]);
  for (const result of results) {
    const times = [ratio(result, reference, "wallMs"), ratio(result, reference, "cpuMs")];
    printRow([result.name, ...times.map((time) => time.toFixed(2)), cpuPerRequest(result).toFixed(1)]);
  }
}

async function runRace(kind: RaceName, origin: string, racePaths: readonly string[]): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const workers = startAll(kind, origin).map((worker) => stack.use(worker));
  for (const path of racePaths) {
    for (const concurrency of concurrencies) {
      const results = await race(workers, createWork(origin, path, concurrency), rounds);
      printRace(`${path}, ${concurrency} in flight`, results);
    }
  }
}

async function checkHeap(origin: string): Promise<void> {
  const { requests, heapSizes } = await measureFailingHeap(origin, quick ? 1_000 : 100_000);
  const [, settled = NaN] = heapSizes;
  const growth = (heapSizes.at(-1) ?? NaN) - settled;
  console.log(
    `\nHeap after ${requests} failing requests: ${Math.round(growth / 1024)} KiB more than after a fifth`,
  );
  // If each request left a hundred bytes behind, the growth would be ten times as much.
  if (!quick) assert.ok(growth < 2 ** 20, "The heap grows with the number of failed requests");
}

async function printFailureCost(origin: string): Promise<void> {
  if (quick) return;
  const seconds = Number(options.seconds);
  const { success, failure, ratio: times } = await measureFailureCost(origin, { rounds, seconds });
  console.log(
    `\nA GET that ends with 503: ${failure.toFixed(1)} µs of processor, a successful one ${success.toFixed(1)}: × ${times.toFixed(2)}`,
  );
}

async function compare(origin: string, old: string): Promise<void> {
  if (!quick && !(rounds >= minAgainstRounds)) {
    throw new RangeError(
      `--against needs at least ${minAgainstRounds} rounds, got --rounds=${options.rounds}`,
    );
  }
  const builds = { old, new: join(import.meta.dirname, "..") };
  for (const path of paths) {
    for (const concurrency of concurrencies) {
      const comparison = await compareBuilds(builds, createWork(origin, path, concurrency), rounds);
      console.log(
        `\n${path}, ${concurrency} in flight, ${rounds} rounds, new / old (above 1: new is faster)\n`,
      );
      printRow(["", "median", "min", "max"]);
      printRow(["---", "--:", "--:", "--:"]);
      printSpeedup("requests per second", comparison.requestsPerSecond);
      printSpeedup("requests per second of processor time", comparison.requestsPerCpuSecond);
    }
  }
}

function printSpeedup(name: string, { median, min, max }: Speedup): void {
  printRow([name, ...[median, min, max].map((value) => value.toFixed(3))]);
}

async function main(): Promise<void> {
  await using origin = await startOrigin();
  if (against !== undefined) {
    await compare(origin.url, against);
    return;
  }
  const [flaky, plain] = [
    paths.filter((path) => path.startsWith("/flaky")),
    paths.filter((path) => !path.startsWith("/flaky")),
  ];
  await runRace("plain", origin.url, plain);
  await runRace("retrying", origin.url, flaky);
  if (options.only !== undefined) return;
  await printFailureCost(origin.url);
  await checkHeap(origin.url);
}

await main();
