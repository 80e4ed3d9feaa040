import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { fakeClock } from "@holdfast/policy/testing";
import type { RunEvent } from "./events.ts";
import type { InputLine } from "../ledger/job.ts";
import { LedgerError } from "../ledger/ledger.ts";
import { readResults } from "../output/read-results.ts";
import { readReport } from "../output/read-report.ts";
import type { RunOptions } from "./options.ts";
import { run } from "./run.ts";
import { openDatabase } from "@holdfast/http/internal/files";
import { openLedger } from "../sqlite/sqlite-ledger.ts";
import { numberLines, makeRunDirectory } from "../testing/run-directory.ts";
import { fakeResponse, fakeFailure, scriptedFetcher } from "../testing/scripted-fetcher.ts";

const site = (n: number): string => `https://example.com/${n}`;
const sites = (count: number): InputLine[] =>
  numberLines(...Array.from({ length: count }, (_, index) => site(index + 1)));
/** A URL of a host of its own. All such requests start at the same time; an unknown host gets one. */
const host = (n: number): string => `https://host${n}.example/`;
const hosts = (count: number): InputLine[] =>
  numberLines(...Array.from({ length: count }, (_, index) => host(index + 1)));
const ok = scriptedFetcher(({ url }) => fakeResponse(url));

function outcomes(directory: string): string[] {
  return [...readResults(directory)].map(({ line, state, reason }) => `${line} ${state} ${reason}`.trim());
}

/** A gate that holds requests back until it is opened. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

describe("run", () => {
  it("fetches every line once, and returns a report that adds up", async () => {
    const directory = makeRunDirectory();
    const session = scriptedFetcher(({ url }) =>
      fakeResponse(url, { status: url.endsWith("/2") ? 404 : 200 }),
    );

    const report = await run({
      directory,
      session,
      clock: fakeClock(),
      input: numberLines("# list", site(1), site(2), "", site(1), "ftp://x"),
    });

    const { lines, done, failed, skipped, unknown, waiting, status, reasons } = report;
    assert.deepEqual(
      { lines, done, failed, skipped, unknown, waiting, status },
      { lines: 4, done: 1, failed: 2, skipped: 1, unknown: 0, waiting: 0, status: "complete" },
    );
    assert.deepEqual(session.urls, [site(1), site(2)]);
    assert.deepEqual(outcomes(directory), [
      "2 done ok",
      "3 failed http-404",
      "5 skipped duplicate-of-line-2",
      "6 failed bad-input: only http and https URLs can be fetched",
    ]);
    assert.equal(reasons.find(({ reason }) => reason === "http-404")?.advice, "Advice for 404");
    assert.deepEqual(readReport(directory), report);
  });

  it("stores the body of a failed response", async () => {
    const directory = makeRunDirectory();

    await run({
      directory,
      clock: fakeClock(),
      input: sites(1),
      session: scriptedFetcher(({ url }) => fakeResponse(url, { status: 404, body: "gone" })),
    });

    const bodies = Array.from(
      readResults(directory),
      ({ status, body = [] }) => `${status} ${Buffer.from(body).toString()}`,
    );
    assert.deepEqual(bodies, ["404 gone"]);
  });

  it("fetches only retryable and new lines when it is run again", async () => {
    const directory = makeRunDirectory();
    const broken = scriptedFetcher(({ url }) => {
      if (url === site(2)) throw fakeFailure("timeout-read");
      return fakeResponse(url, { status: url === site(3) ? 404 : 200 });
    });
    const first = await run({ directory, session: broken, clock: fakeClock(), input: sites(4) });
    const session = scriptedFetcher(({ url }) => fakeResponse(url));

    const second = await run({ directory, session, clock: fakeClock(), input: sites(5) });

    assert.deepEqual([first.done, first.failed], [2, 2]);
    assert.deepEqual(session.urls, [site(2), site(5)]);
    assert.deepEqual([second.lines, second.done, second.failed, second.attempts], [5, 4, 1, 6]);
  });

  it("fetches lines that failed for good with retryFailed", async () => {
    const directory = makeRunDirectory();
    await run({
      directory,
      clock: fakeClock(),
      input: numberLines(site(1), "?"),
      session: scriptedFetcher(({ url }) => fakeResponse(url, { status: 404 })),
    });

    const report = await run({ directory, clock: fakeClock(), retryFailed: true, session: ok });

    assert.deepEqual([report.done, report.failed], [1, 1]);
  });

  it("respects concurrency and perHost, and lets hosts take turns", async () => {
    const session = scriptedFetcher(async ({ url }) => {
      await nextTurn();
      return fakeResponse(url);
    });
    const input = numberLines(
      ...[1, 2, 3, 4, 5, 6].map((n) => `https://a.example/${n}`),
      "https://b.example/1",
      "https://c.example/1",
    );

    await run({
      directory: makeRunDirectory(),
      session,
      clock: fakeClock(),
      input,
      concurrency: 3,
      perHost: 2,
    });

    assert.equal(session.maxConcurrent, 3);
    assert.deepEqual(
      session.urls.slice(0, 3).map((url) => new URL(url).host),
      ["a.example", "b.example", "c.example"],
    );
  });

  it("fetches other hosts while one host with many lines is at its limit", async () => {
    const { opened, open } = gate();
    const slow = Array.from({ length: 1_000 }, (_, n) => `https://slow.example/${n}`);
    const session = scriptedFetcher(async ({ url }) => {
      if (url.startsWith("https://slow")) await opened;
      else open();
      return fakeResponse(url);
    });

    const report = await run({
      directory: makeRunDirectory(),
      session,
      clock: fakeClock(),
      input: numberLines(...slow, "https://fast.example/"),
      concurrency: 4,
      perHost: 2,
    });

    assert.equal(report.done, 1_001);
  });

  it("fetches while the input is still being read", async () => {
    const { opened, open } = gate();
    const session = scriptedFetcher(({ url }) => {
      if (url === site(1)) open();
      return fakeResponse(url);
    });
    async function* input(): AsyncGenerator<InputLine> {
      yield { line: 1, text: site(1) };
      await opened;
      yield { line: 2, text: site(2) };
    }

    const report = await run({ directory: makeRunDirectory(), session, clock: fakeClock(), input: input() });

    assert.equal(report.done, 2);
  });

  it("emits events, with outcomes only after they are recorded", async () => {
    const directory = makeRunDirectory();
    const events: string[] = [];
    const on = (event: RunEvent): void => {
      if (event.type === "finished") assert.equal(readReport(directory).done, 2);
      events.push(event.type);
    };

    await run({ directory, session: ok, clock: fakeClock(), input: sites(2), on });

    assert.deepEqual(events.toSorted(), [
      "finished",
      "finished",
      "input-ended",
      "planned",
      "progress",
      "started",
      "started",
    ]);
  });

  it("rejects invalid limits and a directory in use", async () => {
    const directory = makeRunDirectory();
    await assert.rejects(run({ directory, session: ok, concurrency: 0 }), RangeError);
    const owner = openLedger(directory);

    await assert.rejects(run({ directory, session: ok }), LedgerError);

    owner.close();
  });

  it("rejects the old name of an option and names the new one", async () => {
    const directory = makeRunDirectory();

    for (const [old, name] of [
      ["maxPark", "maxIdleWait"],
      ["maxDefer", "maxDeferDelay"],
      ["maxRounds", "maxDeferrals"],
    ] as const)
      await assert.rejects(run({ directory, session: ok, [old]: 1 }), {
        name: "TypeError",
        message: `run has no option "${old}": did you mean ${name}?`,
      });
  });

  it("rejects an unknown option, a wrong type and a missing option", async () => {
    const directory = makeRunDirectory();
    const wrong: readonly (readonly [object, string])[] = [
      [{ directory, session: ok, maxIdle: 1 }, 'run has no option "maxIdle": it has directory, input, '],
      [{ directory: 5, session: ok }, "run.directory must be a string, got 5"],
      [{ session: ok }, "run requires the option directory"],
    ];

    for (const [options, message] of wrong)
      await assert.rejects(
        run(options as RunOptions),
        (error: unknown) => error instanceof TypeError && error.message.startsWith(message),
      );
  });
});

describe("run with deferred lines", () => {
  it("waits for a line that is due soon, and no longer than necessary", async () => {
    const clock = fakeClock({ start: 1_000 });
    let requests = 0;
    const session = scriptedFetcher(({ url }) =>
      (requests += 1) === 1 ? fakeResponse(url, { status: 503, retryAt: 61_000 }) : fakeResponse(url),
    );

    const report = await run({ directory: makeRunDirectory(), session, clock, input: sites(1) });

    assert.deepEqual([report.done, report.attempts, clock.date()], [1, 2, 61_000]);
  });

  it("ends with waiting lines that are due too late, and fetches them in a later run", async () => {
    const directory = makeRunDirectory();
    const session = scriptedFetcher(({ url }) =>
      url === site(1) ? fakeResponse(url, { status: 503, retryAt: 500_000 }) : fakeResponse(url),
    );
    const early = await run({ directory, session, clock: fakeClock(), input: sites(2) });

    const late = await run({ directory, session: ok, clock: fakeClock({ start: 500_000 }) });

    assert.deepEqual(
      [early.status, early.done, early.waiting, early.nextRetryAt],
      ["complete", 1, 1, 500_000],
    );
    assert.deepEqual(
      early.reasons.map(({ state, reason, count }) => `${state} ${reason} ${count}`),
      ["deferred http-503 1"],
    );
    assert.deepEqual([late.done, late.waiting, late.nextRetryAt], [2, 0, undefined]);
  });

  it("shortens deferrals to one day, and ignores them with retryFailed", async () => {
    const directory = makeRunDirectory();
    const day = 86_400_000;
    const session = scriptedFetcher(({ url }) => fakeResponse(url, { status: 429, retryAt: 1e15 }));
    const events: RunEvent[] = [];
    const on = (event: RunEvent): void => void events.push(event);
    const parked = await run({ directory, session, clock: fakeClock(), input: sites(2), on });

    const waiting = await run({ directory, session: ok, clock: fakeClock() });
    const again = await run({ directory, session: ok, clock: fakeClock(), retryFailed: true });

    assert.deepEqual([parked.waiting, parked.nextRetryAt], [2, day]);
    assert.deepEqual(
      events.flatMap((event) => (event.type === "host-deferred" ? [event.until] : [])),
      [day],
    );
    assert.deepEqual([waiting.done, waiting.waiting], [0, 2]);
    assert.deepEqual([again.done, again.waiting], [2, 0]);
  });

  it("fails a line after maxDeferrals when the host serves others between its failures", async () => {
    const clock = fakeClock();
    const session = scriptedFetcher(async ({ url }) => {
      if (url === site(1)) return fakeResponse(url, { status: 503, retryAt: clock.date() + 1_000 });
      await clock.sleep(300);
      return fakeResponse(url);
    });

    const report = await run({
      directory: makeRunDirectory(),
      session,
      clock,
      input: sites(30),
      perHost: 1,
      maxDeferrals: 3,
    });

    assert.deepEqual([report.done, report.failed, report.reasons[0]?.retryable], [29, 1, true]);
    assert.ok(session.urls.filter((url) => url === site(1)).length <= 6, String(session.urls));
  });

  it("lets the lines of a host wait that only asks to wait, and ends after maxIdleWait", async () => {
    const clock = fakeClock();
    const session = scriptedFetcher(({ url }) =>
      fakeResponse(url, { status: 503, retryAt: clock.date() + 1_000 }),
    );

    const report = await run({
      directory: makeRunDirectory(),
      session,
      clock,
      input: sites(3),
      maxIdleWait: "10s",
    });

    assert.deepEqual([report.waiting, report.failed], [3, 0]);
    assert.ok(
      clock.date() <= 10_000 && report.attempts < 15,
      `${report.attempts} attempts in ${clock.date()} ms`,
    );
  });

  it("defers the whole host that asked for a pause, and no other", async () => {
    const directory = makeRunDirectory();
    const session = scriptedFetcher(({ url }) =>
      url.includes("busy") ? fakeResponse(url, { status: 429, retryAt: 1_000_000 }) : fakeResponse(url),
    );
    const busy = Array.from({ length: 50 }, (_, n) => `https://busy.example/${n}`);

    const report = await run({
      directory,
      session,
      clock: fakeClock(),
      input: numberLines(...busy, site(1), site(2)),
      concurrency: 4,
      perHost: 2,
    });

    assert.deepEqual([report.done, report.waiting, report.nextRetryAt], [2, 50, 1_000_000]);
    assert.ok(session.urls.filter((url) => url.includes("busy")).length <= 4, String(session.urls));
  });
});

describe("run that is interrupted", () => {
  it("passes drain to the session, and defers failures that a later attempt may fix", async () => {
    const directory = makeRunDirectory();
    const drain = new AbortController();
    const clock = fakeClock({ start: 1_000 });
    const session = scriptedFetcher(async ({ url, options }) => {
      if (url === host(4)) queueMicrotask(() => drain.abort());
      await new Promise((resolve) => options.drain?.addEventListener("abort", resolve));
      if (url === host(1)) return fakeResponse(url, { status: 429, retryAt: 61_000 });
      if (url === host(2)) throw fakeFailure("timeout-read");
      if (url === host(3)) throw options.drain?.reason;
      return fakeResponse(url, { status: 404 });
    });

    const report = await run({ directory, session, clock, input: hosts(4), drain: drain.signal });

    const { status, lines, failed, waiting, attempts, nextRetryAt } = report;
    assert.deepEqual(
      { status, lines, failed, waiting, attempts, nextRetryAt },
      { status: "drained", lines: 4, failed: 1, waiting: 3, attempts: 3, nextRetryAt: 1_001 },
    );
    assert.deepEqual(outcomes(directory), [
      "1 deferred http-429",
      "2 deferred timeout-read",
      "3 pending",
      "4 failed http-404",
    ]);
    const rest = await run({ directory, session: ok, clock, input: hosts(4) });
    assert.deepEqual([rest.done, rest.failed, rest.waiting], [3, 1, 0]);
  });

  it("finishes requests in flight when it is drained, and starts no others", async () => {
    const directory = makeRunDirectory();
    const drain = new AbortController();
    const session = scriptedFetcher(async ({ url }) => {
      drain.abort();
      await nextTurn();
      return fakeResponse(url);
    });

    const report = await run({
      directory,
      session,
      clock: fakeClock(),
      input: hosts(100),
      drain: drain.signal,
      concurrency: 3,
    });

    assert.deepEqual([report.status, report.done, report.waiting], ["drained", 3, report.lines - 3]);
    const rest = await run({ directory, session: ok, clock: fakeClock(), input: hosts(100) });
    assert.deepEqual([rest.status, rest.done], ["complete", 100]);
  });

  it("aborts requests in flight on signal, and records finished requests", async () => {
    const directory = makeRunDirectory();
    const abort = new AbortController();
    const reason = new Error("enough");
    const session = scriptedFetcher(({ url, options: { signal } }) => {
      if (url === site(1)) return fakeResponse(url);
      queueMicrotask(() => abort.abort(reason));
      return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
    });

    const report = await run({
      directory,
      session,
      clock: fakeClock(),
      input: sites(4),
      signal: abort.signal,
    });

    assert.deepEqual([report.status, report.done, report.waiting], ["aborted", 1, 3]);
    assert.equal(session.requests[1]?.options.signal?.reason, reason);
  });

  it("does nothing when drain was aborted before the start", async () => {
    const report = await run({
      directory: makeRunDirectory(),
      session: ok,
      clock: fakeClock(),
      input: sites(3),
      drain: AbortSignal.abort(),
    });

    assert.deepEqual([report.status, report.lines], ["drained", 0]);
  });

  it("rejects with the error of the input, after recording finished requests", async () => {
    const directory = makeRunDirectory();
    async function* input(): AsyncGenerator<InputLine> {
      yield { line: 1, text: site(1) };
      await nextTurn();
      await nextTurn();
      throw new Error("The list is gone");
    }

    await assert.rejects(
      run({ directory, session: ok, clock: fakeClock(), input: input() }),
      /The list is gone/,
    );

    assert.deepEqual([readReport(directory).done, readReport(directory).status], [1, "interrupted"]);
  });

  it("rejects with the error of the listener", async () => {
    const on = (): void => {
      throw new Error("The listener broke");
    };

    await assert.rejects(
      run({ directory: makeRunDirectory(), session: ok, clock: fakeClock(), input: sites(3), on }),
      /The listener broke/,
    );
  });

  it("never repeats an unsafe request that may have been executed, and repeats one with an idempotency key with the same key", async () => {
    const directory = makeRunDirectory();
    const clock = fakeClock();
    const ledger = openLedger(directory);
    const request = { headers: { a: "b" }, body: "x" };
    ledger.plan(
      [1, 2].map((line) => ({
        kind: "job",
        line,
        method: "POST",
        url: site(line),
        request: line === 1 ? request : { ...request, idempotencyKey: "key" },
      })),
    );
    ledger.close();
    const dying = scriptedFetcher(() => {
      throw fakeFailure("reset");
    });
    await run({ directory, session: dying, clock });
    const session = scriptedFetcher(({ url }) => fakeResponse(url));

    const report = await run({ directory, session, clock });

    assert.deepEqual(outcomes(directory), ["1 unknown reset", "2 done ok"]);
    assert.deepEqual(
      session.requests.map(({ method, options: { headers, body, idempotencyKey } }) => ({
        method,
        headers,
        body,
        idempotencyKey,
      })),
      [{ method: "POST", ...request, idempotencyKey: "key" }],
    );
    assert.equal(report.unknown, 1);
  });

  it("keeps an unsafe request waiting when the run is drained before sending", async () => {
    const directory = makeRunDirectory();
    const ledger = openLedger(directory);
    ledger.plan([{ kind: "job", line: 1, method: "POST", url: site(1), request: { body: "x" } }]);
    ledger.close();
    const drain = new AbortController();
    const session = scriptedFetcher(({ options }) => {
      drain.abort();
      throw options.drain?.reason;
    });

    const report = await run({ directory, session, clock: fakeClock(), drain: drain.signal });

    assert.deepEqual([report.waiting, report.attempts, countIntents(directory)], [1, 0, 0]);
  });

  it("records an unsafe request before it is sent", async () => {
    const directory = makeRunDirectory();
    const ledger = openLedger(directory);
    ledger.plan([{ kind: "job", line: 1, method: "POST", url: site(1), request: { body: "x" } }]);
    ledger.close();
    const intents: unknown[] = [];
    const session = scriptedFetcher(({ url }) => {
      intents.push(countIntents(directory));
      return fakeResponse(url);
    });

    await run({ directory, session, clock: fakeClock() });

    assert.deepEqual([...intents, countIntents(directory)], [1, 0]);
  });
});

function countIntents(directory: string): unknown {
  const db = openDatabase(join(directory, "ledger.db"), { readOnly: true });
  const row = db.prepare("SELECT count(*) AS intents FROM intent").get();
  db.close();
  return row?.["intents"];
}
