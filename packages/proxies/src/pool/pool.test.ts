import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock, seededRandom, type FakeClock } from "@holdfast/policy/testing";
import * as fc from "fast-check";
import { type LeaseRequest, NoProxyError } from "@holdfast/http";
import type { ProxyEvent } from "../options/events.ts";
import type { PoolLease } from "../options/pool-lease.ts";
import type { OutcomeKind, ProxyOutcome } from "../rules/outcome.ts";
import { ProxyPool } from "./pool.ts";
import type { ProxyPoolOptions } from "../options/options.ts";

const a = new URL("http://a.test/");
const b = new URL("http://b.test/");
const [ok, blocked, dead, unreachable, slow]: readonly [
  ProxyOutcome,
  ProxyOutcome,
  ProxyOutcome,
  ProxyOutcome,
  ProxyOutcome,
] = [
  { kind: "success", reason: "ok" },
  { kind: "blocked", reason: "http-403" },
  { kind: "proxy-failed", reason: "proxy" },
  { kind: "unreachable", reason: "proxy-unreachable" },
  { kind: "failed", reason: "timeout-read" },
];
const throttled = (retryAfter?: number): ProxyOutcome => ({
  kind: "throttled",
  reason: "http-429",
  retryAfter,
});

interface SetUp {
  readonly pool: ProxyPool;
  readonly clock: FakeClock;
  readonly events: ProxyEvent[];
  readonly forgotten: string[];
  /** Leases a proxy and reports the outcome. Returns the label, or the time of the next available proxy. */
  readonly go: (outcome: ProxyOutcome, request?: Partial<LeaseRequest>) => Promise<string>;
}

function setUp(source: ConstructorParameters<typeof ProxyPool>[0], options: ProxyPoolOptions = {}): SetUp {
  const clock = fakeClock({ start: 1_000, autoAdvance: false });
  const events: ProxyEvent[] = [];
  const forgotten: string[] = [];
  const pool = new ProxyPool(source, {
    clock,
    random: () => 0,
    on: (event) => events.push(event),
    ...options,
  });
  pool.onRelease((proxy) => forgotten.push(proxy));
  const go: SetUp["go"] = async (outcome, request = {}) => {
    try {
      const lease = await pool.lease({ url: a, ...request });
      lease.report(outcome);
      return lease.label.replace("http://", "");
    } catch (error) {
      if (error instanceof NoProxyError) return `no proxy until ${error.retryAt - 1_000}`;
      throw error;
    }
  };
  return { pool, clock, events, forgotten, go };
}

const three = ["p1:1", "p2:2", "p3:3"];

async function repeat(times: number, run: () => Promise<string>): Promise<string> {
  const all: string[] = [];
  for (let time = 0; time < times; time += 1) all.push(await run());
  return all.join(" ");
}

test("a pool uses its proxies in turn", async () => {
  const { go } = setUp(three);

  assert.equal(await repeat(5, () => go(ok)), "p1:1 p2:2 p3:3 p1:1 p2:2");
});

test("a blocked proxy gets a cooldown for that host only, and one request probes it afterwards", async () => {
  const { go, clock, pool, events } = setUp(three);

  assert.equal(await go(blocked), "p1:1");
  assert.equal(await repeat(3, () => go(ok)), "p2:2 p3:3 p2:2");
  assert.equal(await repeat(3, () => go(ok, { url: b })), "p1:1 p3:3 p2:2");
  await clock.advance(30_000);
  const leases = [await pool.lease({ url: a }), await pool.lease({ url: a }), await pool.lease({ url: a })];

  assert.deepEqual(
    leases.map(({ label }) => label),
    ["http://p1:1", "http://p3:3", "http://p2:2"],
  );
  assert.equal(await repeat(3, () => go(ok)), "p3:3 p2:2 p3:3");
  leases[0]?.report(ok);
  assert.match(await repeat(3, () => go(ok)), /p1:1/);
  assert.deepEqual(
    events.filter(({ type }) => !/joined/.test(type)),
    [
      {
        type: "cooldown-started",
        proxy: "http://p1:1",
        host: "a.test",
        reason: "http-403",
        cooldowns: 1,
        until: 31_000,
      },
      { type: "probed", proxy: "http://p1:1", host: "a.test" },
      { type: "recovered", proxy: "http://p1:1", host: "a.test" },
    ],
  );
});

test("a failure of the proxy itself starts a cooldown for every host", async () => {
  const { go } = setUp(["p1:1", "p2:2"]);

  await go(dead);

  assert.equal(await repeat(2, () => go(ok, { url: b })), "p2:2 p2:2");
  assert.equal(await repeat(2, () => go(ok)), "p2:2 p2:2");
});

test("a 429 starts a cooldown until Retry-After, and does not retire the proxy", async () => {
  const { go, clock, pool } = setUp(["p1:1"]);

  for (let time = 0; time < 20; time += 1) {
    await go(throttled(7_000));
    assert.equal(await go(ok), `no proxy until ${time * 7_000 + 7_000}`);
    await clock.advance(7_000);
  }

  assert.equal(pool.stats().proxies[0]?.state, "available");
  assert.equal(pool.stats().proxies[0]?.throttles, 20);
});

test("NoProxyError names the host, the reasons and the time of the next available proxy", async () => {
  const { pool, go, clock } = setUp(three);
  await go(blocked);
  await clock.advance(1_000);
  await go(dead);
  await go(throttled(50_000));

  const error: unknown = await pool.lease({ url: a }).catch((reason: unknown) => reason);

  assert.ok(error instanceof NoProxyError);
  assert.equal(error.retryAt, 31_000);
  assert.equal(error.target, "a.test");
  assert.match(error.message, /a\.test until 1970-01-01T00:00:31\.000Z: 1 http-403, 1 proxy, 1 http-429$/);
});

test("an empty pool rejects a lease with a retryAt of Infinity", async () => {
  const { pool } = setUp([]);

  await assert.rejects(pool.lease({ url: a }), { retryAt: Infinity, message: /the pool is empty/ });
});

test("a pool retires a proxy that fails repeatedly, releases its connections, and probes it once an hour", async () => {
  const { go, clock, events, pool, forgotten } = setUp(["p1:1"]);
  for (let time = 0; time < 5; time += 1) {
    await go(dead);
    await clock.advance(time < 4 ? 30_000 * 2 ** time : 0);
  }

  assert.equal(pool.stats().proxies[0]?.state, "retired");
  assert.equal(events.filter(({ type }) => type === "retired").length, 1);
  assert.deepEqual(forgotten, ["http://p1:1"]);
  await clock.advance(3_599_999);
  assert.match(await go(ok), /no proxy/);
  await clock.advance(1);
  assert.equal(await go(ok), "p1:1");
  assert.equal(pool.stats().proxies[0]?.state, "available");
});

test("a pool detects a failing origin by three equal failures, and penalises no proxy", async () => {
  const { go, events, pool } = setUp(["p1:1", "p2:2", "p3:3", "p4:4"]);

  assert.equal(await repeat(3, () => go(unreachable)), "p1:1 p2:2 p3:3");
  const lease = await pool.lease({ url: a });
  lease.report(unreachable);

  assert.deepEqual(lease.availability(), { proxyAtFault: false, availableIn: 0 });
  assert.equal(new Set((await repeat(4, () => go(unreachable))).split(" ")).size, 4);
  assert.deepEqual(
    events.filter(({ type }) => type === "origin-down"),
    [{ type: "origin-down", host: "a.test", proxies: 3 }],
  );
  assert.ok(pool.stats().proxies.every(({ activeCooldowns }) => activeCooldowns.length === 0));
});

test("a proxy that alone cannot reach a host gets a cooldown at that host", async () => {
  const { go, clock } = setUp(three);

  await go(unreachable);
  await go(ok);
  await go(ok);
  await clock.advance(1_000);
  await go(unreachable);

  assert.equal(await repeat(2, () => go(ok)), "p3:3 p3:3");
});

test("a proxy gets a cooldown after its third read timeout in a row", async () => {
  const { go } = setUp([{ url: "p1:1", country: "us" }, "p2:2"]);
  const here = (): Promise<string> => go(slow, { country: "us" });

  assert.equal(await repeat(4, here), "p1:1 p1:1 p1:1 no proxy until 30000");
});

test("a lease counts its first report only, and a disposed lease counts as a request without an outcome", async () => {
  const { pool } = setUp(["p1:1"]);
  const lease = await pool.lease({ url: a });
  lease.report(ok);
  lease.report(blocked);
  (await pool.lease({ url: a }))[Symbol.dispose]();

  const [stats] = pool.stats().proxies;

  assert.deepEqual([stats?.requests, stats?.successes, stats?.blocks, stats?.inFlight], [2, 1, 0, 0]);
});

test("availability() returns whether another proxy is available, or when", async () => {
  const { pool } = setUp(["p1:1", "p2:2"]);
  const first = await pool.lease({ url: a });
  first.report(blocked);
  const atFirst = first.availability();
  const second = await pool.lease({ url: a });
  second.report(blocked);

  assert.deepEqual(atFirst, { proxyAtFault: true, availableIn: 0 });
  assert.deepEqual(second.availability(), { proxyAtFault: true, availableIn: 30_000 });
});

test("a proxy has at most maxConcurrent leases at a time", async () => {
  const { pool } = setUp([{ url: "p1:1", maxConcurrent: 2 }]);
  const [one] = [await pool.lease({ url: a }), await pool.lease({ url: b })];

  await assert.rejects(pool.lease({ url: a }), { retryAt: 2_000 });
  one?.report(ok);

  assert.equal((await pool.lease({ url: a })).label, "http://p1:1");
});

test("a waiting request gets a proxy as soon as a request or a cooldown ends", async () => {
  const { pool, clock } = setUp([{ url: "p1:1", maxConcurrent: 1 }], { whenEmpty: "wait" });
  const first = await pool.lease({ url: a });
  const second = pool.lease({ url: a });
  first.report(throttled(5_000));
  let served = false;
  void second.then(() => (served = true));

  await clock.advance(4_999);
  assert.equal(served, false);
  await clock.advance(1);

  assert.equal((await second).label, "http://p1:1");
});

test("a reported lease ends the wait of a request before its timer", async () => {
  const { pool, clock } = setUp([{ url: "p1:1", maxConcurrent: 1 }], { whenEmpty: "wait" });
  const first = await pool.lease({ url: a });
  const second = pool.lease({ url: a });
  await clock.advance(1);
  assert.equal(clock.sleeping, 1);

  first.report(ok);

  assert.equal((await second).label, "http://p1:1");
});

test("a request does not wait past its deadline or after an abort", async () => {
  const { pool, go } = setUp(["p1:1"], { whenEmpty: "wait" });
  await go(dead);
  const caller = new AbortController();
  const waiting = pool.lease({ url: a, signal: caller.signal });
  caller.abort(new Error("enough"));

  await assert.rejects(waiting, /enough/);
  await assert.rejects(pool.lease({ url: a, deadline: 20_000 }), { code: "ERR_NO_PROXY", retryAt: 31_000 });
});

test("a proxy is available again two minutes after a probe without a report", async () => {
  const { pool, go, clock } = setUp(["p1:1"]);
  await go(dead);
  await clock.advance(30_000);
  await pool.lease({ url: a });

  assert.match(await go(ok), /no proxy/);
  await clock.advance(120_000);
  assert.equal(await go(ok), "p1:1");
});

test("a pool numbers several accounts at one address", async () => {
  const { go } = setUp(["gw.test:1:ada:love", "gw.test:1:bob:hate"]);

  assert.equal(await repeat(2, () => go(ok)), "gw.test:1 gw.test:1 #2");
});

test("a request with a country gets a proxy of that country", async () => {
  const { go, pool } = setUp([
    { url: "p1:1", country: "US" },
    { url: "p2:2", country: "de" },
    "u-{country}:x@gw.test:3",
    "u(-{country}):x@gw.test:4",
  ]);

  assert.equal(await repeat(4, () => go(ok, { country: "us" })), "p1:1 gw.test:3 gw.test:4 p1:1");
  assert.equal(await repeat(3, () => go(ok)), "p2:2 gw.test:4 p1:1");
  await assert.rejects(
    setUp([{ url: "p1:1", country: "us" }]).pool.lease({ url: a, country: "fr" }),
    /: 1 in another country$/,
  );
  assert.match((await pool.lease({ url: a, country: "fr" })).url, /^http:\/\/u-fr:x@gw\.test:3$/);
});

test("a pool calls the credentials callback for each lease, and starts a cooldown if it fails", async () => {
  let password = "one";
  const { pool, forgotten } = setUp([
    { url: "p1:1", credentials: async () => ({ username: "ada", password }) },
    { url: "p2:2", credentials: async () => Promise.reject(new Error("vault is shut")) },
  ]);

  const first = await pool.lease({ url: a });
  password = "two";
  const second = await pool.lease({ url: a });

  assert.deepEqual([first.url, second.url], ["http://ada:one@p1:1", "http://ada:two@p1:1"]);
  assert.deepEqual(forgotten, ["http://ada:one@p1:1"]);
  assert.equal(pool.stats().proxies[1]?.activeCooldowns[0]?.reason, "proxy-credentials");
});

test("a custom rotation chooses among the available proxies", async () => {
  const asked: string[] = [];
  const { go } = setUp(three, {
    rotation: (candidates, { url }) => {
      asked.push(`${url.host} ${candidates.map(({ proxy }) => proxy.slice(7)).join(",")}`);
      const last = candidates.at(-1);
      assert.ok(last !== undefined);
      return last;
    },
  });

  assert.equal(await repeat(2, () => go(blocked)), "p3:3 p2:2");
  assert.equal(await repeat(2, () => go(blocked)), "p1:1 no proxy until 30000");
  assert.deepEqual(asked, ["a.test p1:1,p2:2,p3:3", "a.test p1:1,p2:2", "a.test p1:1"]);
});

test("ProxyPool rejects invalid options", () => {
  const wrong: readonly (readonly [options: unknown, message: RegExp])[] = [
    [{ rotation: "fastest" }, /^ProxyPool\.rotation takes a function or one of round-robin, /],
    [{ whenEmpty: "hope" }, /^ProxyPool\.whenEmpty takes "fail" or "wait", got "hope"/],
    [{ cooldown: "soon" }, /^ProxyPool\.cooldown takes milliseconds/],
    [{ sticky: "account" }, /^ProxyPool\.sticky takes "host" or a function/],
    [{ retireAfter: 0 }, /^ProxyPool\.retireAfter takes a whole number, 1 or more, got 0/],
    [{ minSuccessRate: 2 }, /^ProxyPool\.minSuccessRate takes a share from 0 to 1, got 2/],
    [{ retireafter: 3 }, /^ProxyPool has no option "retireafter": did you mean retireAfter\?/],
    [{ rest: "30s" }, /^ProxyPool has no option "rest": did you mean cooldown\?$/],
    [{ rotate: "random" }, /^ProxyPool has no option "rotate": did you mean rotation\?$/],
    [{ rotating: true }, /^ProxyPool has no option "rotating": did you mean rotatesPerConnection\?$/],
    [{ bogus: 1 }, /^ProxyPool has no option "bogus": it has rotation, cooldown, /],
  ];

  for (const [options, message] of wrong)
    assert.throws(() => new ProxyPool(three, options as ProxyPoolOptions), { message });
  assert.throws(() => new ProxyPool({ tiers: [] }), /at least one/);
});

test("ProxyPool rejects an invalid source without quoting it", () => {
  const wrong: readonly (readonly [source: unknown, message: RegExp])[] = [
    [undefined, /^ProxyPool takes a list of proxies, \{ file \}/],
    ["http://me:hunter2000@p1:1", /^ProxyPool takes a list/],
    [{}, /^ProxyPool takes a list/],
    [{ file: "x", proxies: [] }, /^ProxyPool has no option "proxies"/],
    [
      { file: "x", on: () => {} },
      /^ProxyPool has no option "on": did you mean the second argument of ProxyPool, \{ on \}\?/,
    ],
    [{ fetch: async () => [], every: "soon" }, /^ProxyPool\.every takes milliseconds/],
    [
      { tiers: [{ name: "x", proxies: three, cost: { perGB: 1 } }] },
      /^ProxyPool\.tiers\[0\]\.cost has no option "perGB": did you mean perGb/,
    ],
    [{ tiers: [{ name: "x", proxies: "p1:1" }] }, /^ProxyPool takes a list/],
  ];

  for (const [source, message] of wrong)
    assert.throws(
      () => new ProxyPool(source as string[]),
      (error: Error) => message.test(error.message) && !error.message.includes("hunter"),
      JSON.stringify(source),
    );
});

test("an error of a listener does not affect the pool, and causes one warning", async (t) => {
  const warn = t.mock.method(process, "emitWarning", () => undefined);
  const { pool } = setUp(["p1:1", "p2:2"], {
    on: ({ type }) => {
      throw new Error(`${type}: http://me:hunter2000@p1:1`);
    },
  });

  const lease = await pool.lease({ url: a });
  lease.report(blocked);

  assert.deepEqual([lease.label, pool.stats().proxies[0]?.activeCooldowns.length], ["http://p1:1", 1]);
  assert.deepEqual(
    warn.mock.calls.map(({ arguments: [message] }) => message),
    ["A listener of a proxy pool threw: Error: joined: http://***@p1:1"],
  );
});

for (const rotate of ["round-robin", "random", "least-used"] as const) {
  test(`${rotate}: the other proxies share the requests to a host with many cooldowns, and all serve other hosts`, async () => {
    const all = Array.from({ length: 200 }, (_, index) => `p${index}:1`);
    const { pool, go, clock } = setUp(all, { rotation: rotate, random: seededRandom(2) });
    const coolingDown = new Set<string>();
    while (coolingDown.size < 150) coolingDown.add(await go(blocked));
    const served = (times: number, to: URL) => repeat(times, () => go(ok, { url: to }));

    const here = new Set((await served(400, a)).split(" "));
    const elsewhere = new Set((await served(2_000, b)).split(" "));

    assert.deepEqual([here.size, elsewhere.size], [50, 200]);
    assert.ok([...here].every((label) => !coolingDown.has(label)));
    await clock.advance(60_000);
    assert.equal(new Set((await served(2_000, a)).split(" ")).size, 200);
    assert.ok(pool.stats().proxies.every(({ activeCooldowns }) => activeCooldowns.length === 0));
  });
}

const kinds: readonly OutcomeKind[] = [
  "success",
  "origin",
  "void",
  "failed",
  "blocked",
  "throttled",
  "unreachable",
  "proxy-failed",
  "proxy-throttled",
];
interface Step {
  readonly kind: OutcomeKind;
  readonly host: URL;
  readonly session: string | undefined;
  readonly passes: number;
  readonly retryAfter: number | undefined;
  /** Whether the lease is reported after later leases. */
  readonly late: boolean;
}

const step = fc.record({
  kind: fc.constantFrom(...kinds),
  host: fc.constantFrom(a, b),
  session: fc.option(fc.constantFrom("x", "y"), { nil: undefined }),
  passes: fc.integer({ min: 0, max: 60_000 }),
  retryAfter: fc.option(fc.integer({ min: 0, max: 100_000 }), { nil: undefined }),
  late: fc.boolean(),
});

/** Plays the steps. Asserts that no leased proxy is in a cooldown, and that every NoProxyError has a finite `retryAt`. */
async function play(steps: readonly Step[], { pool, clock }: SetUp): Promise<void> {
  const open: [PoolLease, ProxyOutcome][] = [];
  for (const { kind, host, session, passes, retryAfter, late } of steps) {
    await clock.advance(passes);
    const before = pool.stats();
    try {
      const lease = await pool.lease({ url: host, identity: session });
      const stats = before.proxies.find(({ proxy }) => proxy === lease.label);
      const cooldowns = stats?.activeCooldowns.filter((it) => it.host === undefined || it.host === host.host);
      assert.deepEqual(cooldowns, [], "leased during its cooldown");
      const outcome = { kind, reason: kind, retryAfter };
      if (late) open.push([lease, outcome]);
      else lease.report(outcome);
    } catch (error) {
      if (!(error instanceof NoProxyError)) throw error;
      assert.ok(error.retryAt > clock.date() && error.retryAt < Infinity, String(error.retryAt));
    }
    if (open.length > 3) {
      const [lease, outcome] = open.shift() ?? [];
      if (lease !== undefined && outcome !== undefined) lease.report(outcome);
    }
  }
  for (const [lease, outcome] of open) lease.report(outcome);
  await clock.advance(10_000_000);
  await pool.lease({ url: a });
  assert.ok(pool.stats().proxies.every(({ inFlight }) => inFlight <= 1));
}

for (const rotate of ["round-robin", "random", "weighted", "least-used", "least-recently-used"] as const) {
  test(`${rotate}: never leases a proxy during its cooldown, and always returns the time of the next available proxy`, async () => {
    const list = ["p1:1", "p2:2", { url: "p3:3", maxConcurrent: 1 }, "u-{session}:x@gw.test:4"];
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer(), (steps, seed) =>
        play(steps, setUp(list, { rotation: rotate, random: seededRandom(seed) })),
      ),
      { numRuns: 60 },
    );
  });
}

test("round-robin: never leases a proxy during its cooldown at a host with its own queues", async () => {
  const many = Array.from({ length: 40 }, (_, index) => `p${index}:1`);
  const harsh = fc.record({
    kind: fc.constantFrom<OutcomeKind>("blocked", "blocked", "proxy-failed", "success", "throttled"),
    host: fc.constantFrom(a, a, a, b),
    session: fc.constant(undefined),
    passes: fc.integer({ min: 0, max: 3_000 }),
    retryAfter: fc.constant(undefined),
    late: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(harsh, { minLength: 60, maxLength: 120 }), fc.integer(), (steps, seed) =>
      play(steps, setUp(many, { random: seededRandom(seed) })),
    ),
    { numRuns: 30 },
  );
});

test("a proxy is available at the retryAt of the error and not earlier", async () => {
  const { pool, clock, go } = setUp(three, { random: seededRandom(5) });
  for (const outcome of [blocked, throttled(12_345), dead]) await go(outcome);

  const error: unknown = await pool.lease({ url: a }).catch((reason: unknown) => reason);
  assert.ok(error instanceof NoProxyError);
  await clock.advance(error.retryAt - clock.date() - 1);
  await assert.rejects(pool.lease({ url: a }), NoProxyError);
  await clock.advance(1);

  assert.ok(await pool.lease({ url: a }));
});
