import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import { contestants, retrying } from "./http/contestants.ts";
import { failingHeap } from "./http/heap.ts";
import { startOrigin } from "./http/origin.ts";
import { cpuPerRequest, race, ratio, type Lane } from "./http/race.ts";
import type { Work } from "./http/work.ts";
import { nodeWorker, pythonContestants, pythonWorker, type Race, type Worker } from "./http/workers.ts";

const { values: asked } = parseArgs({
  options: {
    /** A few hundred requests: says only whether every contestant gets the right bodies. */
    quick: { type: "boolean", default: false },
    rounds: { type: "string", default: "7" },
    seconds: { type: "string", default: "0.4" },
    /** Contestants by name, with commas between them. */
    only: { type: "string" },
    /** Paths, with commas between them. */
    paths: { type: "string", default: "/1k,/20k,/100k,/flaky" },
  },
});

const concurrencies = [1, 64] as const;
const sizes: Readonly<Record<string, number>> = { "/1k": 1, "/20k": 20, "/100k": 100, "/flaky": 1 };
const rounds = asked.quick ? 1 : Number(asked.rounds);

function workOn(origin: string, path: string, concurrency: number): Work {
  const bytes = (sizes[path] ?? 0) * 1024;
  const amount = asked.quick
    ? { requests: 100, seconds: 10, verify: true }
    : { requests: Infinity, seconds: Number(asked.seconds), verify: false };
  // JSON has no Infinity.
  return { url: origin + path, bytes, concurrency, ...amount, requests: Math.min(amount.requests, 1e9) };
}

function wanted(names: readonly string[]): readonly string[] {
  const only = asked.only?.split(",");
  return only === undefined ? names : names.filter((name) => only.includes(name));
}

function startAll(kind: Race, origin: string): readonly Worker[] {
  const here = Object.keys(kind === "plain" ? contestants : retrying);
  const python = pythonContestants();
  for (const name of python.missing) console.log(`Skipped: python3-${name} is not installed`);
  // aiohttp retries nothing.
  const there = python.found.filter((name) => kind === "plain" || name === "requests");
  return [
    ...wanted(here).map((name) => nodeWorker(kind, name, origin)),
    ...wanted(there).map((name) => pythonWorker(kind, name)),
  ];
}

function row(cells: readonly string[]): void {
  console.log(`| ${cells.join(" | ")} |`);
}

function printRace(title: string, lanes: readonly Lane[]): void {
  const [reference] = lanes;
  if (reference === undefined || asked.quick) return console.log(`${title}: every body was right`);
  console.log(`\n${title}\n`);
  row(["", "× time", "× processor time", "µs of processor"]);
  row(["---", "--:", "--:", "--:"]);
  for (const lane of lanes) {
    const times = [ratio(lane, reference, "wallMs"), ratio(lane, reference, "cpuMs")];
    row([lane.name, ...times.map((time) => time.toFixed(2)), cpuPerRequest(lane).toFixed(1)]);
  }
}

async function runRace(kind: Race, origin: string, paths: readonly string[]): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const workers = startAll(kind, origin).map((worker) => stack.use(worker));
  for (const path of paths) {
    for (const concurrency of concurrencies) {
      const lanes = await race(workers, workOn(origin, path, concurrency), rounds);
      printRace(`${path}, ${concurrency} at a time`, lanes);
    }
  }
}

async function weigh(origin: string): Promise<void> {
  const { requests, weights } = await failingHeap(origin, asked.quick ? 1_000 : 100_000);
  const [, settled = NaN] = weights;
  const growth = (weights.at(-1) ?? NaN) - settled;
  console.log(
    `\nHeap after ${requests} failing requests: ${Math.round(growth / 1024)} KiB more than after a fifth`,
  );
  // A hundred bytes for each request would be ten times as much.
  if (!asked.quick) assert.ok(growth < 2 ** 20, "The heap grows with the requests that fail");
}

async function main(): Promise<void> {
  await using origin = await startOrigin();
  const paths = asked.paths.split(",");
  await runRace(
    "plain",
    origin.url,
    paths.filter((path) => path !== "/flaky"),
  );
  await runRace(
    "retrying",
    origin.url,
    paths.filter((path) => path === "/flaky"),
  );
  if (asked.only === undefined) await weigh(origin.url);
}

await main();
