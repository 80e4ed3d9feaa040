import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fakeClock, type FakeClock } from "@holdfast/policy/testing";
import type { RunEvent } from "./events.ts";
import type { FetchedResponse, FetchFailure } from "../outcome/fetcher.ts";
import type { InputLine } from "../ledger/job.ts";
import type { PoolProxyStats } from "../ledger/proxy-stats.ts";
import type { RunProxies } from "./proxy-monitor.ts";
import { readReport } from "../output/read-report.ts";
import { run } from "./run.ts";
import { openLedger } from "../sqlite/sqlite-ledger.ts";
import { readLedger } from "../sqlite/sqlite-ledger-reader.ts";
import { numberLines, makeRunDirectory } from "../testing/run-directory.ts";
import { fakeResponse, fakeFailure, scriptedFetcher } from "../testing/scripted-fetcher.ts";

const site = (n: number): string => `https://example.com/${n}`;
const sites = (count: number): InputLine[] =>
  numberLines(...Array.from({ length: count }, (_, index) => site(index + 1)));

const available: PoolProxyStats = {
  proxy: "http://a.test:1",
  state: "available",
  requests: 1,
  successes: 1,
  blocks: 0,
  throttles: 0,
  failures: 0,
  cooldowns: 0,
  cooldownReasons: {},
  bytes: 7,
  activeCooldowns: [],
};
const poolOf = (...proxies: readonly PoolProxyStats[]): RunProxies => ({ stats: () => ({ proxies }) });
const locked: PoolProxyStats = {
  ...available,
  state: "cooling-down",
  activeCooldowns: [{ reason: "proxy-auth", until: 30_000 }],
};

/** Makes the error of a session that has no proxy until `retryAt`. */
function noProxy(retryAt: number): Error & FetchFailure {
  const verdict = { kind: "blocked", reason: "no-proxy", advice: "" } as const;
  return Object.assign(fakeFailure("no-proxy", { verdict, retryAt }), { code: "ERR_NO_PROXY" });
}

/** Makes the responses of a session that has no proxy for example.com until `until`. */
function withoutProxyUntil(clock: FakeClock, until: number): (request: { url: string }) => FetchedResponse {
  return ({ url }) => {
    if (url.startsWith("https://example.com/") && clock.date() < until) throw noProxy(until);
    return fakeResponse(url);
  };
}

describe("run with proxies", () => {
  it("waits while no proxy is available for a host, counts no deferral, and continues with other hosts", async () => {
    const clock = fakeClock();
    const session = scriptedFetcher(withoutProxyUntil(clock, 60_000));
    const events: RunEvent[] = [];

    const report = await run({
      directory: makeRunDirectory(),
      session,
      proxies: poolOf(available),
      clock,
      input: numberLines(...sites(9).map(({ text }) => text), "https://other.example/"),
      concurrency: 2,
      on: (event) => void events.push(event),
    });

    assert.deepEqual(
      [report.status, report.done, report.attempts, report.elapsed],
      ["complete", 10, 10, 60_000],
    );
    assert.ok(session.urls.indexOf("https://other.example/") <= 2, String(session.urls));
    assert.deepEqual(
      events.flatMap((event) => (event.type === "no-proxy" ? [[event.host, event.until]] : [])),
      [["example.com", 60_000]],
    );
    // One check every five seconds, with at most as many requests as may be in flight.
    assert.ok(session.urls.length <= 10 + 2 * 13, `${session.urls.length} requests`);
  });

  it("checks again, and finds proxies that come back early", async () => {
    const clock = fakeClock();
    const session = scriptedFetcher(({ url }) => {
      if (clock.date() < 20_000) throw noProxy(100_000);
      return fakeResponse(url);
    });

    const report = await run({
      directory: makeRunDirectory(),
      session,
      proxies: poolOf(available),
      clock,
      input: sites(3),
    });

    assert.deepEqual([report.done, report.elapsed], [3, 20_000]);
  });

  it("continues with all waiting hosts as soon as the pool has new proxies", async () => {
    const clock = fakeClock();
    const session = scriptedFetcher(({ url }) => {
      if (clock.date() < 2_500) throw noProxy(100_000);
      return fakeResponse(url);
    });

    const report = await run({
      directory: makeRunDirectory(),
      session,
      proxies: { ...poolOf(available), refresh: () => (clock.date() < 2_500 ? 1 : 2) },
      clock,
      input: numberLines(...sites(3).map(({ text }) => text), "https://other.example/"),
    });

    assert.deepEqual([report.done, report.elapsed], [4, 3_000]);
    // Until then, requests only find out that no proxy is available.
    assert.ok(session.urls.length <= 8, `${session.urls.length} requests`);
  });

  it("asks again soon for a proxy when a request used the last available one", async () => {
    const clock = fakeClock();
    const deferred = { code: "ERR_DEFERRED", retryAt: 40_000, attempts: [{ decision: "no-proxy-in-time" }] };
    const session = scriptedFetcher(({ url }) => {
      if (clock.date() < 500)
        throw Object.assign(fakeFailure("proxy-unreachable"), deferred, {
          cause: Object.assign(new Error(), { code: "ERR_PROXY", fault: "proxy", mayHaveArrived: false }),
        });
      if (clock.date() < 4_500) throw noProxy(40_000);
      return fakeResponse(url);
    });

    const report = await run({
      directory: makeRunDirectory(),
      session,
      proxies: { ...poolOf(available), refresh: () => (clock.date() < 4_500 ? 1 : 2) },
      clock,
      input: sites(2),
    });

    assert.deepEqual([report.done, report.elapsed], [2, 5_000]);
  });

  it("ends with the reason when it would wait too long, and continues in the next run", async () => {
    const directory = makeRunDirectory();
    const clock = fakeClock();
    const session = scriptedFetcher(withoutProxyUntil(clock, 600_000));

    const report = await run({ directory, session, proxies: poolOf(available), clock, input: sites(500) });
    await clock.sleep(600_000);
    const again = await run({ directory, session, proxies: poolOf(available), clock, input: sites(500) });

    assert.deepEqual(
      [report.status, report.why, report.waiting, report.attempts],
      ["no-proxy", "Failed: no-proxy", 500, 0],
    );
    assert.deepEqual([again.status, again.why, again.done], ["complete", undefined, 500]);
  });

  it("ends immediately when no proxy will ever be available, and records the requests in flight", async () => {
    const directory = makeRunDirectory();
    const session = scriptedFetcher(async ({ url }) => {
      if (!url.endsWith("/1")) throw noProxy(30_000);
      await Promise.resolve();
      return fakeResponse(url);
    });
    const clock = fakeClock();

    const report = await run({ directory, session, proxies: poolOf(locked), clock, input: sites(200) });

    assert.deepEqual(
      [report.status, report.why, report.done, report.waiting, report.failed],
      ["no-proxy", "No proxy is left: the only one is out of use (1 proxy-auth)", 1, 199, 0],
    );
    assert.ok(session.urls.length <= 16, `${session.urls.length} requests`);
    assert.equal(clock.date(), 0);
  });

  it("names exhaustion as the reason when the last proxy failed only after the wait began", async () => {
    const clock = fakeClock();
    let failed = false;
    const session = scriptedFetcher(withoutProxyUntil(clock, 600_000));
    const proxies = { ...poolOf(available), stats: () => poolOf(failed ? locked : available).stats() };

    const report = await run({
      directory: makeRunDirectory(),
      session,
      proxies,
      clock,
      input: sites(1),
      on: ({ type }) => (failed ||= type === "no-proxy"),
    });

    assert.deepEqual(
      [report.status, report.why],
      ["no-proxy", "No proxy is left: the only one is out of use (1 proxy-auth)"],
    );
  });

  it("ends immediately when the pool reports that waiting cannot help", async () => {
    const session = scriptedFetcher(() => {
      throw noProxy(Infinity);
    });

    const { status, why } = await run({
      directory: makeRunDirectory(),
      session,
      proxies: poolOf(available),
      clock: fakeClock(),
      input: sites(2),
    });

    assert.deepEqual([status, why], ["no-proxy", "Failed: no-proxy"]);
  });

  it("sends an unsafe request in the next run when no proxy was available before", async () => {
    const directory = makeRunDirectory();
    const clock = fakeClock();
    const ledger = openLedger(directory);
    ledger.plan([{ kind: "job", line: 1, method: "POST", url: site(1), request: { body: "x" } }]);
    ledger.close();
    const waiting = scriptedFetcher(withoutProxyUntil(clock, 600_000));
    const ok = scriptedFetcher(({ url }) => fakeResponse(url));

    const before = await run({ directory, session: waiting, proxies: poolOf(available), clock });
    const after = await run({ directory, session: ok, proxies: poolOf(available), clock });

    assert.deepEqual([before.unknown, before.waiting, after.done], [0, 1, 1]);
  });

  it("saves the statistics of the proxies every few seconds, for readers of a running report", async () => {
    const directory = makeRunDirectory();
    const clock = fakeClock();
    let requests = 0;
    const session = scriptedFetcher(async ({ url }) => {
      await clock.sleep(1_500);
      requests += 1;
      return fakeResponse(url);
    });
    const seen: (readonly [number, number | undefined])[] = [];

    await run({
      directory,
      session,
      proxies: { stats: () => ({ proxies: [{ ...available, requests }] }) },
      clock,
      input: sites(6),
      concurrency: 1,
      on: ({ type }) =>
        type === "started" && seen.push([requests, readReport(directory).proxies?.totals.requests]),
    });

    assert.equal(seen.length, 6);
    for (const [made, reported = -1] of seen)
      assert.ok(reported <= made && reported >= made - 2, `${reported} of ${made}`);
    assert.ok(seen.some(([, reported]) => reported === 3 || reported === 4));
  });

  it("saves the snapshot of the pool soon after a change, and restores it at the next start", async () => {
    const directory = makeRunDirectory();
    const clock = fakeClock();
    const restored: unknown[] = [];
    const saved: unknown[] = [];
    let changed = (): void => undefined;
    let cooldowns = 0;
    const proxies: RunProxies = {
      ...poolOf(available),
      snapshot: () => ({ cooldowns }),
      restore: (snapshot) => restored.push(snapshot),
      onCooldown: (listener) => {
        changed = listener;
        return () => void (changed = (): void => undefined);
      },
    };
    const session = scriptedFetcher(async ({ url }) => {
      cooldowns += 1;
      changed();
      await clock.sleep(100);
      const ledger = readLedger(directory);
      saved.push(ledger.proxySnapshot());
      ledger.close();
      return fakeResponse(url);
    });
    const options = { directory, session, proxies, clock, concurrency: 1 };

    await run({ ...options, input: sites(3) });
    await run({ ...options, input: sites(4) });

    assert.deepEqual(saved, [{ cooldowns: 1 }, { cooldowns: 2 }, { cooldowns: 3 }, { cooldowns: 4 }]);
    assert.deepEqual(restored, [undefined, { cooldowns: 3 }]);
  });

  it("adds up the statistics of the proxies over all runs, also in readReport", async () => {
    const directory = makeRunDirectory();
    const session = scriptedFetcher(({ url }) => fakeResponse(url));
    const options = { directory, session, clock: fakeClock(), input: sites(1) };

    const direct = await run(options);
    await run({ ...options, proxies: poolOf(available) });
    const report = await run({
      ...options,
      proxies: poolOf(available, { ...available, proxy: "http://b.test:1" }),
    });

    assert.equal(direct.proxies, undefined);
    assert.deepEqual([report.proxies?.totals.proxies, report.proxies?.totals.requests], [2, 3]);
    assert.deepEqual(
      report.proxies?.byProxy.map(({ proxy, bytes }) => [proxy, bytes]),
      [
        ["http://a.test:1", 14],
        ["http://b.test:1", 7],
      ],
    );
    assert.deepEqual(readReport(directory), report);
  });
});
