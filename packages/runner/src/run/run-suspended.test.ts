import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "@holdfast/policy/testing";
import { Session } from "@holdfast/http";
import { scriptedAdapter, type ScriptedEntry } from "@holdfast/http/testing";
import type { RunReport } from "../ledger/report.ts";
import type { LineResult } from "../ledger/result.ts";
import { readResults } from "../output/read-results.ts";
import { makeRunDirectory } from "../testing/run-directory.ts";
import { fakeResponse, fakeSuspension, scriptedFetcher } from "../testing/scripted-fetcher.ts";
import { run } from "./run.ts";
import type { RunOptions } from "./options.ts";

const url = "https://a.test/1";
const input = [{ line: 1, text: url }];

test("a suspended line continues where it stopped, also in another process", async () => {
  const directory = makeRunDirectory();
  const continuation = { attempts: [{}], progress: 1 };
  const suspending = scriptedFetcher(() => {
    throw fakeSuspension({ until: 3_600_000 }, { continuation });
  });
  const first = await run({ directory, input, session: suspending, clock: fakeClock() });
  const session = scriptedFetcher(() => ({ ...fakeResponse(url), attempts: [{ number: 1 }, { number: 2 }] }));

  const second = await run({ directory, session, clock: fakeClock({ start: 3_600_000 }) });

  assert.deepEqual([first.waiting, first.attempts], [1, 1]);
  assert.deepEqual([second.done, second.attempts], [1, 2]);
  assert.deepEqual(session.requests[0]?.options.continuation, continuation);
  assert.equal(suspending.requests[0]?.options.onWait, "suspend");
});

test("a line that waits for itself delays neither new lines of its host nor a retry of all lines", async () => {
  const directory = makeRunDirectory();
  const waiting = scriptedFetcher(() => {
    throw fakeSuspension({ until: 3_600_000, scope: "line" });
  });
  const ok = scriptedFetcher(({ url: sent }) => fakeResponse(sent));
  const added = [...input, { line: 2, text: "https://a.test/2" }];
  await run({ directory, input, session: waiting, clock: fakeClock() });

  const second = await run({ directory, input: added, session: ok, clock: fakeClock() });
  const third = await run({ directory, input: added, session: ok, clock: fakeClock(), retryFailed: true });

  assert.deepEqual([second.done, second.waiting], [1, 1]);
  assert.deepEqual([third.done, third.waiting], [2, 0]);
  assert.deepEqual(ok.urls, ["https://a.test/2", url]);
});

test("a line starts again when its request is another one than before", async () => {
  const directory = makeRunDirectory();
  const suspending = scriptedFetcher(() => {
    throw fakeSuspension({ until: 3_600_000 });
  });
  await run({ directory, input, session: suspending, clock: fakeClock() });
  const session = scriptedFetcher(({ options }) => {
    if (options.continuation !== undefined) throw new TypeError("it belongs to another request");
    return fakeResponse(url);
  });

  const report = await run({ directory, session, clock: fakeClock({ start: 3_600_000 }) });

  assert.equal(report.done, 1);
});

interface Played {
  readonly report: RunReport;
  readonly requests: readonly { readonly url: string; readonly at: number }[];
  readonly lines: readonly LineResult[];
}

/** Runs lists with a session that plays a script, on a fake clock. */
async function play(script: readonly ScriptedEntry[], options: Partial<RunOptions> = {}): Promise<Played> {
  const clock = fakeClock();
  const adapter = scriptedAdapter(script, { clock });
  const session = new Session({ clock, random: () => 0.5, trustEnvironment: false, retry: { total: 2 } });
  session.mount("https://", adapter);
  const directory = options.directory ?? makeRunDirectory();
  try {
    const report = await run({ input, session, clock, ...options, directory });
    return { report, requests: adapter.requests, lines: [...readResults(directory)] };
  } finally {
    await session.close();
  }
}

test("a run retries a line as often as its session does, with the same attempts in its result", async () => {
  const { report, requests, lines } = await play([{ status: 500 }]);

  assert.deepEqual([report.failed, report.attempts, requests.length], [1, 3, 3]);
  assert.deepEqual(
    lines.map(({ attempts }) => attempts),
    [3],
  );
});

test("a 429 of a host uses up no attempt of a line", async () => {
  const limited: ScriptedEntry = { status: 429, headers: { "retry-after": "5" } };

  const { report, requests } = await play([limited, limited, limited, limited, {}]);

  assert.deepEqual([report.done, requests.length], [1, 5]);
  assert.ok((requests[4]?.at ?? 0) >= 20_000);
});

test("a line in its back-off holds no slot: another one is fetched meanwhile", async () => {
  const script: ScriptedEntry = ({ url: to }) => (to.endsWith("/1") ? { status: 500 } : {});
  const lines = [1, 2, 3].map((line) => ({ line, text: `https://a.test/${line}` }));

  const { requests } = await play([script], { input: lines, concurrency: 1 });

  assert.deepEqual(
    requests.map((request) => request.url.slice(-1)),
    ["1", "2", "3", "1", "1"],
  );
});
