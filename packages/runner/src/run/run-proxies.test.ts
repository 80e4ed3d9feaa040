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

const fit: PoolProxyStats = {
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
  ...fit,
  state: "cooling-down",
  activeCooldowns: [{ reason: "proxy-auth", until: 30_000 }],
};

/** What a session throws when no proxy is fit until an instant. */
function noProxy(retryAt: number): Error & FetchFailure {
  const verdict = { kind: "blocked", reason: "no-proxy", advice: "" } as const;
  return Object.assign(fakeFailure("no-proxy", { verdict, retryAt }), { code: "ERR_NO_PROXY" });
}

/** A session that finds no proxy for a host before an instant. */
function dryUntil(clock: FakeClock, until: number): (request: { url: string }) => FetchedResponse {
  return ({ url }) => {
    if (url.startsWith("https://example.com/") && clock.date() < until) throw noProxy(until);
    return fakeResponse(url);
  };
}

describe("run, through proxies", () => {
  it("waits while no proxy is fit for a host, uses up nothing, and goes on with the others", async () => {
    const clock = fakeClock();
    const session = scriptedFetcher(dryUntil(clock, 60_000));
    const events: RunEvent[] = [];

    const report = await run({
      directory: makeRunDirectory(),
      session,
      proxies: poolOf(fit),
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
    // A look every five seconds, by no more than may be under way.
    assert.ok(session.urls.length <= 10 + 2 * 13, `${session.urls.length} requests`);
  });

  it("looks again, for proxies that come back before their time", async () => {
    const clock = fakeClock();
    const session = scriptedFetcher(({ url }) => {
      if (clock.date() < 20_000) throw noProxy(100_000);
      return fakeResponse(url);
    });

    const report = await run({
      directory: makeRunDirectory(),
      session,
      proxies: poolOf(fit),
      clock,
      input: sites(3),
    });

    assert.deepEqual([report.done, report.elapsed], [3, 20_000]);
  });

  it("goes on with all that waits as soon as the pool has new proxies", async () => {
    const clock = fakeClock();
    const session = scriptedFetcher(({ url }) => {
      if (clock.date() < 2_500) throw noProxy(100_000);
      return fakeResponse(url);
    });

    const report = await run({
      directory: makeRunDirectory(),
      session,
      proxies: { ...poolOf(fit), refresh: () => (clock.date() < 2_500 ? 1 : 2) },
      clock,
      input: numberLines(...sites(3).map(({ text }) => text), "https://other.example/"),
    });

    assert.deepEqual([report.done, report.elapsed], [4, 3_000]);
    // Until then nobody is asked for but to learn that there is none.
    assert.ok(session.urls.length <= 8, `${session.urls.length} requests`);
  });

  it("asks again soon for a proxy where a request itself met the last one that was fit", async () => {
    const clock = fakeClock();
    const met = { code: "ERR_DEFERRED", retryAt: 40_000, attempts: [{ decision: "no-proxy-in-time" }] };
    const session = scriptedFetcher(({ url }) => {
      if (clock.date() < 500)
        throw Object.assign(fakeFailure("proxy-unreachable"), met, {
          cause: Object.assign(new Error(), { code: "ERR_PROXY", fault: "proxy", mayHaveArrived: false }),
        });
      if (clock.date() < 4_500) throw noProxy(40_000);
      return fakeResponse(url);
    });

    const report = await run({
      directory: makeRunDirectory(),
      session,
      proxies: { ...poolOf(fit), refresh: () => (clock.date() < 4_500 ? 1 : 2) },
      clock,
      input: sites(2),
    });

    assert.deepEqual([report.done, report.elapsed], [2, 5_000]);
  });

  it("ends where it would wait for too long, with the reason, and goes on when it is run again", async () => {
    const directory = makeRunDirectory();
    const clock = fakeClock();
    const session = scriptedFetcher(dryUntil(clock, 600_000));

    const report = await run({ directory, session, proxies: poolOf(fit), clock, input: sites(500) });
    await clock.sleep(600_000);
    const again = await run({ directory, session, proxies: poolOf(fit), clock, input: sites(500) });

    assert.deepEqual(
      [report.status, report.why, report.waiting, report.attempts],
      ["no-proxy", "Failed: no-proxy", 500, 0],
    );
    assert.deepEqual([again.status, again.why, again.done], ["complete", undefined, 500]);
  });

  it("ends at once where no proxy will ever work, and what is in flight is kept", async () => {
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

  it("ends at once where the pool says that waiting does not help", async () => {
    const session = scriptedFetcher(() => {
      throw noProxy(Infinity);
    });

    const { status, why } = await run({
      directory: makeRunDirectory(),
      session,
      proxies: poolOf(fit),
      clock: fakeClock(),
      input: sites(2),
    });

    assert.deepEqual([status, why], ["no-proxy", "Failed: no-proxy"]);
  });

  it("sends an unsafe request when a proxy is there, and after a crash knows that it was not sent before", async () => {
    const directory = makeRunDirectory();
    const clock = fakeClock();
    const ledger = openLedger(directory);
    ledger.plan([{ kind: "job", line: 1, method: "POST", url: site(1), request: { body: "x" } }]);
    ledger.close();
    const dry = scriptedFetcher(dryUntil(clock, 600_000));
    const wet = scriptedFetcher(({ url }) => fakeResponse(url));

    const before = await run({ directory, session: dry, proxies: poolOf(fit), clock });
    const after = await run({ directory, session: wet, proxies: poolOf(fit), clock });

    assert.deepEqual([before.unknown, before.waiting, after.done], [0, 1, 1]);
  });

  it("writes down every few seconds how the proxies do, for who looks at it while it goes on", async () => {
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
      proxies: { stats: () => ({ proxies: [{ ...fit, requests }] }) },
      clock,
      input: sites(6),
      concurrency: 1,
      on: ({ type }) =>
        type === "started" && seen.push([requests, readReport(directory).proxies?.totals.requests]),
    });

    assert.equal(seen.length, 6);
    for (const [made, told = -1] of seen) assert.ok(told <= made && told >= made - 2, `${told} of ${made}`);
    assert.ok(seen.some(([, told]) => told === 3 || told === 4));
  });

  it("keeps what the pool remembers soon after it changed, and gives it back at the next start", async () => {
    const directory = makeRunDirectory();
    const clock = fakeClock();
    const heard: unknown[] = [];
    const kept: unknown[] = [];
    let changed = (): void => undefined;
    let rests = 0;
    const proxies: RunProxies = {
      ...poolOf(fit),
      snapshot: () => ({ rests }),
      restore: (memory) => heard.push(memory),
      onCooldown: (listener) => {
        changed = listener;
        return () => void (changed = (): void => undefined);
      },
    };
    const session = scriptedFetcher(async ({ url }) => {
      rests += 1;
      changed();
      await clock.sleep(100);
      const ledger = readLedger(directory);
      kept.push(ledger.proxySnapshot());
      ledger.close();
      return fakeResponse(url);
    });
    const options = { directory, session, proxies, clock, concurrency: 1 };

    await run({ ...options, input: sites(3) });
    await run({ ...options, input: sites(4) });

    assert.deepEqual(kept, [{ rests: 1 }, { rests: 2 }, { rests: 3 }, { rests: 4 }]);
    assert.deepEqual(heard, [undefined, { rests: 3 }]);
  });

  it("keeps how the proxies did, over all runs, also for who reads the report from outside", async () => {
    const directory = makeRunDirectory();
    const session = scriptedFetcher(({ url }) => fakeResponse(url));
    const options = { directory, session, clock: fakeClock(), input: sites(1) };

    const direct = await run(options);
    await run({ ...options, proxies: poolOf(fit) });
    const report = await run({ ...options, proxies: poolOf(fit, { ...fit, proxy: "http://b.test:1" }) });

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
