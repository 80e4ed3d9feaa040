import assert from "node:assert/strict";
import { mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fakeClock, seededRandom, type FakeClock } from "@holdfast/policy/testing";
import type { ProxyEvent } from "../options/events.ts";
import type { ProxyOutcome } from "../rules/outcome.ts";
import { ProxyPool } from "./pool.ts";
import type { ProxyPoolOptions } from "../options/options.ts";

const url = new URL("http://a.test/");
const ok: ProxyOutcome = { kind: "success", reason: "ok", bytes: 1_000_000 };
const blocked: ProxyOutcome = { kind: "blocked", reason: "http-403", bytes: 1_000 };

function setUp(source: ConstructorParameters<typeof ProxyPool>[0], options: ProxyPoolOptions = {}) {
  const clock = fakeClock({ start: 1_000, autoAdvance: false });
  const events: ProxyEvent[] = [];
  const pool = new ProxyPool(source, {
    clock,
    random: () => 0.5,
    on: (event) => events.push(event),
    ...options,
  });
  const go = async (outcome: ProxyOutcome = ok): Promise<string> => {
    const lease = await pool.lease({ url });
    lease.report(outcome);
    return lease.label;
  };
  return { pool, clock, events, go };
}

const named = (events: readonly ProxyEvent[], ...types: readonly ProxyEvent["type"][]) =>
  events.filter(({ type }) => types.includes(type));

test("a pool calls its source function at the start, at its interval, and early when too few proxies are available", async () => {
  let fetches = 0;
  const { pool, clock, go, events } = setUp({
    fetch: async () => [`p${(fetches += 1)}:1`, "p0:1"],
    every: "10m",
    minAvailable: 2,
  });

  await go();
  assert.equal(fetches, 1);
  await clock.advance(599_999);
  await go();
  assert.equal(fetches, 1);
  await clock.advance(1);
  await go();
  await pool.ready();
  assert.equal(fetches, 2);
  assert.deepEqual(named(events, "left", "refreshed"), [
    { type: "left", proxy: "http://p1:1" },
    { type: "refreshed", proxies: 2, joined: 1, left: 1 },
  ]);

  await clock.advance(5_000);
  await go({ kind: "proxy-failed", reason: "proxy" });
  await pool.ready();
  assert.equal(fetches, 3);
});

test("a pool calls its source function again when a block persists", async () => {
  let fetches = 0;
  const { pool, clock, go } = setUp({
    fetch: async () => [(fetches += 1) > 1 ? "new:1" : "old:1"],
    afterCooldowns: 3,
    minAvailable: 0,
  });
  for (let time = 0; time < 2; time += 1) {
    await go(blocked);
    await clock.advance(60_000 * 2 ** time);
  }
  await pool.ready();
  assert.equal(fetches, 1);

  await go(blocked);
  await pool.ready();

  assert.equal(fetches, 2);
  assert.equal(await go(), "http://new:1");
});

test("an error of the source function at the start fails the request, and the next request calls the function again", async () => {
  let fails = true;
  const { go, pool } = setUp(async () => (fails ? Promise.reject(new Error("vendor is down")) : ["p1:1"]));

  await assert.rejects(go(), /vendor is down/);
  await assert.rejects(pool.ready(), /vendor is down/);
  fails = false;

  assert.equal(await go(), "http://p1:1");
});

test("a pool keeps its proxies when its source fails later or is empty, and does not call the source in a loop", async () => {
  let fetches = 0;
  const results = [["p1:1"], new Error("http://me:hunter2000@vendor.test is down"), [], ["p1:1", "a:b"]];
  const fetch = async () => {
    const result = results[Math.min(fetches, 3)] ?? [];
    fetches += 1;
    if (result instanceof Error) throw result;
    return result;
  };
  const { pool, clock, go, events } = setUp({ fetch, every: "1m" });
  for (let minute = 0; minute < 4; minute += 1) {
    for (let time = 0; time < 5; time += 1) assert.equal(await go(), "http://p1:1");
    await pool.ready();
    await clock.advance(60_000);
  }

  assert.equal(fetches, 4);
  assert.deepEqual(named(events, "refresh-failed", "invalid-proxy"), [
    { type: "refresh-failed", reason: "http://***@vendor.test is down" },
    { type: "refresh-failed", reason: "the source returned no proxies; the pool keeps the former ones" },
    {
      type: "invalid-proxy",
      reason: "the fetched proxies: proxy 2: the port is not a number from 1 to 65535",
    },
  ]);
});

test("a pool rejects a file with an invalid line until the line is corrected", async () => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-pool-"));
  const file = join(folder, "proxies.txt");
  await writeFile(file, "p1:1\nme:hunter2000@p2\n");
  const { pool, go } = setUp({ file });

  for (let time = 0; time < 2; time += 1) {
    await assert.rejects(pool.ready(), (error: Error) => {
      assert.equal(error.message, "proxies.txt:2: the port is missing");
      return true;
    });
  }
  await writeFile(file, "p1:1\nme:hunter2000@p2:2\n");
  await utimes(file, 5, 5);

  assert.equal(await go(), "http://p1:1");
  await rm(folder, { recursive: true });
});

test("a pool reads a changed file again, and keeps the state of proxies in both versions", async () => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-pool-"));
  const file = join(folder, "proxies.txt");
  await writeFile(file, "p1:1\np2:2\n");
  const { pool, go, clock } = setUp({ file });
  await go(blocked);
  await writeFile(file, "p1:1\np3:3\nnonsense\n");
  await utimes(file, 5, 5);
  await clock.advance(1_000);

  await go();
  await pool.ready();

  assert.deepEqual([await go(), await go()], ["http://p3:3", "http://p3:3"]);
  assert.equal(pool.stats().proxies[0]?.blocks, 1);
  await rm(folder, { recursive: true });
});

test("a proxy in the next list keeps its health and takes its new credentials", async () => {
  let password = "one";
  const fetch = async () => {
    const given = { username: "ada", password };
    return [{ url: "p1:1", credentials: () => Promise.resolve(given) }];
  };
  const { pool, clock, go } = setUp({ fetch, every: "1m" });
  await go({ kind: "failed", reason: "timeout-read" });
  password = "two";
  await clock.advance(60_000);
  await go();
  await pool.ready();

  assert.equal((await pool.lease({ url })).url, "http://ada:two@p1:1");
  assert.equal(pool.stats().proxies[0]?.failures, 1);
});

test("a pool ignores reports of a proxy that left", async () => {
  let list = ["p1:1", "p2:2"];
  const { pool, clock, go, events } = setUp({ fetch: async () => list, every: "1m" });
  const leases = [await pool.lease({ url }), await pool.lease({ url })];
  list = ["p2:2"];
  await clock.advance(60_000);
  leases[1]?.report(ok);
  await go();
  await pool.ready();

  leases[0]?.report({ kind: "proxy-failed", reason: "proxy" });

  assert.deepEqual(named(events, "cooldown-started"), []);
  assert.equal(await go(), "http://p2:2");
});

test("a waiting request gets a proxy that joins later", async () => {
  let list: string[] = [];
  const { pool, clock } = setUp({ fetch: async () => list }, { whenEmpty: "wait" });
  const waiting = pool.lease({ url });
  await clock.advance(3_000);
  list = ["p1:1"];

  await clock.advance(10_000);

  assert.equal((await waiting).label, "http://p1:1");
});

const tiers = {
  tiers: [
    { name: "datacenter", proxies: ["cheap:1"], cost: { perRequest: 1 } },
    { name: "residential", proxies: ["dear:1"], cost: { perRequest: 2, perGb: 1_000 }, budget: 40 },
  ],
};

test("a pool switches a host to the more expensive tier when the cheaper tier is blocked too often, reports its cost, and stops at its budget", async () => {
  const { clock, pool, events } = setUp(tiers, { cooldown: 1, maxCooldown: 1, random: seededRandom(4) });
  for (let request = 0; request < 60; request += 1) {
    const lease = await pool.lease({ url }).catch(() => undefined);
    lease?.report(lease.label === "http://cheap:1" ? blocked : ok);
    await clock.advance(20_000);
  }

  const [cheap, dear] = pool.stats().tiers;
  const [changed] = named(events, "tier-changed");
  assert.ok(changed?.type === "tier-changed");
  assert.deepEqual([changed.from, changed.to, changed.host], ["datacenter", "residential", "a.test"]);
  assert.ok(changed.success < 0.5 && changed.costPerSuccess >= 2);
  assert.deepEqual([dear?.requests, dear?.bytes, dear?.escalations], [14, 14_000_000, 1]);
  assert.equal(dear?.cost, 42);
  assert.ok((cheap?.requests ?? 0) >= 7);
  assert.deepEqual(named(events, "tier-spent"), [{ type: "tier-spent", tier: "residential", cost: 42 }]);
});

test("the more expensive tier serves during cooldowns of the cheaper tier", async () => {
  const { go } = setUp(tiers);

  assert.deepEqual([await go(blocked), await go()], ["http://cheap:1", "http://dear:1"]);
});

test("no_proxy exempts hosts from the environment's proxies only", () => {
  const environment = { HOLDFAST_PROXIES: "p1:1", no_proxy: "a.test" };

  assert.equal(new ProxyPool({ environment }).covers(url), false);
  assert.equal(new ProxyPool({ environment }).covers(new URL("http://b.test/")), true);
  assert.equal(new ProxyPool(["p1:1"]).covers(url), true);
});

const never = (): Promise<never> => new Promise(() => undefined);

/** Asserts that a waiting lease ends at its deadline and when its signal aborts. */
async function assertBounded(pool: ProxyPool, clock: FakeClock): Promise<void> {
  const caller = new AbortController();

  const late = pool.lease({ url, deadline: clock.now() + 500 });
  const aborted = pool.lease({ url, signal: caller.signal });
  setImmediate(() => caller.abort(new Error("mine")));
  await assert.rejects(aborted, /^Error: mine$/);
  await Promise.all([clock.advance(500), assert.rejects(late, { code: "ERR_DEADLINE" })]);
}

test("a request waits for a hanging source function only until its deadline or an abort", async () => {
  const { pool, clock } = setUp(never);

  await assertBounded(pool, clock);

  assert.equal(clock.sleeping, 0);
});

test("a request waits for hanging credentials only until its deadline or an abort, and releases the proxy", async () => {
  const { pool, clock } = setUp([{ url: "http://p1:1", credentials: never }]);

  await assertBounded(pool, clock);

  assert.deepEqual([clock.sleeping, pool.stats().proxies[0]?.inFlight], [0, 0]);
});
