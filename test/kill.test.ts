import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { faultOrigin, quickstartSite, type FaultOrigin } from "@holdfast/http/testing";
import { seededRandom } from "@holdfast/policy/testing";
import { readReport, readResults, type LineResult, type RunReport } from "@holdfast/runner";
import { runHoldfast, holdfastCommand } from "./support/holdfast.ts";
import { nginx, type Nginx } from "./support/nginx.ts";
import { toUrlPath, site } from "./support/site.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";

const pages = 2_000;
const faulty = 100;
const gone = 5;
const kills = 10;
/** Slow enough for ten kills in one run, each at most `longestPause` after the first request. */
const requestsPerSecond = 120;
const longestPause = 1_900;
/** The default concurrency of the program, plus as many results that may wait for a shared commit. */
const inFlight = 2 * 16;

interface Servers extends AsyncDisposable {
  /** Every URL of the list with its page; undefined if the server has no page. */
  readonly expected: ReadonlyMap<string, Uint8Array | undefined>;
  /** Returns how many requests both servers received so far. */
  requests(): Promise<number>;
}

async function startServers(): Promise<Servers> {
  const stack = new AsyncDisposableStack();
  const files = stack.use(await site(pages - faulty - gone));
  const server = stack.use(await nginx({ root: files.root, requestsPerSecond }));
  const unreliable = quickstartSite({ pages: faulty, silence: 300, failing: 0.8, seed: 7 });
  const origin = stack.use(await faultOrigin({ routes: unreliable.routes }));
  const expected = new Map<string, Uint8Array | undefined>();
  for (const file of files.files)
    expected.set(server.url + toUrlPath(file), await readFile(join(files.root, file)));
  for (const [index, url] of unreliable.urls(origin.url).entries()) {
    expected.set(url, Buffer.from(unreliable.pageBody(index + 1)));
  }
  for (let number = 1; number <= gone; number++) expected.set(`${server.url}/gone/${number}`, undefined);
  return {
    expected,
    requests: () => countRequests(server, origin),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function countRequests(server: Nginx, origin: FaultOrigin): Promise<number> {
  return (await server.seen()).length + origin.requests.length;
}

/** Returns the items in a random order. */
function shuffle<T>(items: Iterable<T>, random: () => number): readonly T[] {
  return [...items]
    .map((item) => ({ item, rank: random() }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}

interface Kill {
  /** Whether the process was alive when it was killed. */
  readonly hit: boolean;
  readonly report: RunReport | undefined;
}

/** Starts a run and kills it `pause` milliseconds after its first request, or after its start when `early`. */
async function runAndKill(
  run: readonly string[],
  when: { pause: number; early: boolean },
  servers: Servers,
): Promise<Kill> {
  const before = await servers.requests();
  const [node, ...rest] = holdfastCommand;
  const child = spawn(node, [...rest, ...run], { stdio: ["ignore", "ignore", "pipe"] });
  const closed = once(child, "close");
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  const alive = (): boolean => child.exitCode === null && child.signalCode === null;
  while (!when.early && alive() && (await servers.requests()) === before) await sleep(10);
  await sleep(when.pause);
  const hit = alive();
  child.kill("SIGKILL");
  await closed;
  assert.ok(child.signalCode === "SIGKILL" || child.exitCode === 0 || child.exitCode === 3, log);
  return { hit, report: readReportIfAny(run[3] ?? "") };
}

/** Returns the report of a directory, or undefined if the process was killed before it created a ledger. */
function readReportIfAny(directory: string): RunReport | undefined {
  try {
    return readReport(directory);
  } catch {
    return undefined;
  }
}

function assertAddsUp(report: RunReport): void {
  const { lines, done, failed, skipped, unknown, waiting } = report;
  assert.equal(lines, done + failed + skipped + unknown + waiting);
}

function checkIntegrity(directory: string): unknown {
  const database = new DatabaseSync(join(directory, "ledger.db"), { readOnly: true });
  try {
    return database.prepare("PRAGMA integrity_check").get()?.["integrity_check"];
  } finally {
    database.close();
  }
}

function assertMatchesOrigin(result: LineResult, expected: Uint8Array | undefined): void {
  const { url, state, status, reason } = result;
  if (expected === undefined) {
    assert.deepEqual(
      { url, state, status, reason },
      { url, state: "failed", status: 404, reason: "http-404" },
    );
    return;
  }
  assert.deepEqual({ url, state, status, reason }, { url, state: "done", status: 200, reason: "ok" });
  assert.ok(
    result.body !== undefined && Buffer.compare(result.body, expected) === 0,
    `${url}: the body differs from the origin's`,
  );
}

test(`a run of ${pages} pages that is killed ${kills} times records each result exactly once, byte for byte`, async (context) => {
  const seed = Number(process.env["HOLDFAST_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
  context.diagnostic(`HOLDFAST_SEED=${seed}`);
  const random = seededRandom(seed);
  await using servers = await startServers();
  await using directory = await temporaryDirectory("kill");
  const [list, out] = [join(directory.path, "urls.txt"), join(directory.path, "results")];
  await writeFile(list, shuffle(servers.expected.keys(), random).join("\n"));
  const run = ["run", list, "-o", out];

  const killed: Kill[] = [];
  for (let number = 0; number < kills; number++) {
    const early = number === 0;
    killed.push(await runAndKill(run, { pause: random() * (early ? 400 : longestPause), early }, servers));
  }
  const requestsOfKilled = await servers.requests();
  const waiting = killed.at(-1)?.report?.waiting ?? pages;
  const last = await runHoldfast(run);

  context.diagnostic(`rows done at each kill: ${killed.map(({ report }) => report?.done ?? 0).join(", ")}`);
  const inTheMiddle = killed.filter(
    ({ hit, report }) => hit && report !== undefined && report.done > 0 && report.waiting > 0,
  );
  assert.ok(inTheMiddle.length >= 8, `only ${inTheMiddle.length} of ${kills} kills were in the middle`);
  assert.equal(last.code, 3, last.stderr);

  for (const { report } of killed) if (report !== undefined) assertAddsUp(report);
  const report = readReport(out);
  assertAddsUp(report);
  assert.deepEqual(
    { lines: report.lines, done: report.done, failed: report.failed, status: report.status },
    { lines: pages, done: pages - gone, failed: gone, status: "complete" },
  );
  assert.equal(checkIntegrity(out), "ok");

  const rows = [...readResults(out)];
  assert.deepEqual(rows.map(({ url }) => url).toSorted(), [...servers.expected.keys()].toSorted());
  assert.equal(new Set(rows.map(({ line }) => line)).size, pages);
  for (const row of rows) assertMatchesOrigin(row, servers.expected.get(row.url));

  // Recorded results are not requested again: only requests in flight at a kill, and retries after a fault.
  const retries = faulty * 2;
  assert.ok(
    requestsOfKilled <= pages - waiting + kills * inFlight + retries,
    `${requestsOfKilled} requests, ${waiting} rows waiting`,
  );
  const requestsBefore = await servers.requests();
  const again = await runHoldfast(run);
  assert.equal(again.code, 3, again.stderr);
  assert.equal(await servers.requests(), requestsBefore);
});
