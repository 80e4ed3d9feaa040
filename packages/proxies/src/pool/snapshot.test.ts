import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock, type FakeClock } from "@holdfast/policy/testing";
import type { ProxyOutcome } from "../rules/outcome.ts";
import { ProxyPool } from "./pool.ts";
import type { ProxySource } from "../options/options.ts";

const url = new URL("http://a.test/");
const blocked: ProxyOutcome = { kind: "blocked", reason: "http-403" };
const dead: ProxyOutcome = { kind: "proxy-failed", reason: "proxy" };

function poolAt(clock: FakeClock, source: ProxySource): ProxyPool {
  return new ProxyPool(source, { clock, random: () => 0.5 });
}

async function report(pool: ProxyPool, ...outcomes: readonly ProxyOutcome[]): Promise<void> {
  for (const outcome of outcomes) (await pool.lease({ url })).report(outcome);
}

/** Returns the clock of another process at the same time: another origin of `now()`, the same date. */
function anotherProcess(clock: FakeClock, later = 0): FakeClock {
  const [start, date] = [5_000, clock.date() + later];
  const own = fakeClock({ start, autoAdvance: false });
  return { ...own, date: () => date + own.now() - start };
}

const through = (snapshot: unknown): unknown => JSON.parse(JSON.stringify(snapshot));
const three = ["p1:1:ada:hunter2000", "p1:1:bob:hunter3000", "p2:2"];

test("a pool restores the cooldowns of a snapshot with their ends, and no others", async () => {
  const clock = fakeClock({ start: 1_000, autoAdvance: false });
  const before = poolAt(clock, three);
  await report(before, blocked, { kind: "throttled", reason: "http-429", retryAfter: 90_000 });
  const snapshot = through(before.snapshot());

  const after = poolAt(anotherProcess(clock, 10_000), ["p2:2", "p1:1:ada:changed", "p1:1:bob:hunter3000"]);
  after.restore(snapshot);

  assert.deepEqual(
    after.stats().proxies.map(({ proxy, activeCooldowns }) => [proxy, activeCooldowns]),
    [
      ["http://p2:2", []],
      ["http://p1:1", [{ host: "a.test", reason: "http-403", until: 38_500 }]],
      ["http://p1:1 #2", [{ host: "a.test", reason: "http-429", until: 91_000 }]],
    ],
  );
  assert.equal((await after.lease({ url })).label, "http://p2:2");
});

test("a pool restores cooldowns for proxies that join later or return to the list", async () => {
  const clock = fakeClock({ start: 1_000, autoAdvance: false });
  const before = poolAt(clock, three);
  await report(before, blocked, blocked, blocked);

  const without = poolAt(anotherProcess(clock), ["p2:2"]);
  without.restore(through(before.snapshot()));
  const later = poolAt(anotherProcess(clock), async () => three);
  later.restore(through(without.snapshot()));
  await later.ready();

  assert.deepEqual(
    later.stats().proxies.map(({ activeCooldowns }) => activeCooldowns.length),
    [1, 1, 1],
  );
});

test("a pool restores the number of consecutive cooldowns, so that the next cooldown is longer", async () => {
  const clock = fakeClock({ start: 1_000, autoAdvance: false });
  const before = poolAt(clock, ["p1:1", "p2:2"]);
  await report(before, blocked, blocked);

  const own = anotherProcess(clock, 60_000);
  const after = poolAt(own, ["p1:1", "p2:2"]);
  after.restore(through(before.snapshot()));
  await report(after, blocked);

  assert.equal(after.stats().proxies[0]?.activeCooldowns[0]?.until, own.date() + 75_000);
});

test("a restored pool does not immediately repeat a probe without a report", async () => {
  const clock = fakeClock({ start: 1_000, autoAdvance: false });
  const before = poolAt(clock, ["p1:1", "p2:2"]);
  await report(before, blocked, blocked);
  await clock.advance(50_000);
  await before.lease({ url });
  await before.lease({ url });

  const after = poolAt(anotherProcess(clock, 1_000), ["p1:1", "p2:2"]);
  after.restore(through(before.snapshot()));

  await assert.rejects(after.lease({ url }), { code: "ERR_NO_PROXY", retryAt: clock.date() + 30_000 });
});

test("a restored pool soon retries a proxy that was itself at fault", async () => {
  const clock = fakeClock({ start: 1_000, autoAdvance: false });
  const before = poolAt(clock, ["p2:2", "p3:3"]);
  for (let time = 0; time < 6; time += 1) {
    await report(before, dead, { kind: "proxy-failed", reason: "proxy-auth" });
    await clock.advance(6_000_000);
  }
  await report(before, dead, { kind: "proxy-failed", reason: "proxy-auth" });

  const after = poolAt(anotherProcess(clock), ["p2:2", "p3:3"]);
  after.restore(through(before.snapshot()));

  assert.deepEqual(
    after
      .stats()
      .proxies.map(({ state, activeCooldowns }) => [state, activeCooldowns.map(({ until }) => until)]),
    [
      ["cooling-down", [clock.date() + 30_000]],
      ["available", []],
    ],
  );
});

test("a snapshot contains no credentials, and restore() ignores any other value", async () => {
  const clock = fakeClock({ start: 1_000, autoAdvance: false });
  const pool = poolAt(clock, three);
  await report(pool, blocked, blocked, blocked);

  const snapshot = pool.snapshot();

  assert.deepEqual(Object.keys(snapshot), ["proxies"]);
  assert.deepEqual(Object.keys(snapshot.proxies), ["http://p1:1", "http://p1:1 #2", "http://p2:2"]);
  for (const other of [undefined, null, 5, "x", {}, { proxies: 1 }, { proxies: { a: [1] } }])
    poolAt(clock, three).restore(other);
});

test("a pool restores a snapshot with hashed names where the address has one account", () => {
  const clock = fakeClock({ start: 1_000, autoAdvance: false });
  const health = [{ host: "a.test", cooldowns: 1, until: clock.date() + 9_000, reason: "http-403" }];
  const pool = poolAt(clock, three);

  pool.restore({
    salt: "5e1f",
    proxies: {
      "http://p1:1 0123abcd": health,
      "http://p1:1 4567abcd": health,
      "http://p2:2 89abcdef": health,
    },
  });

  assert.deepEqual(
    pool.stats().proxies.map(({ activeCooldowns }) => activeCooldowns.length),
    [0, 0, 1],
  );
  assert.deepEqual(Object.keys(pool.snapshot().proxies), ["http://p2:2"]);
});

test("a pool calls the cooldown listener when the snapshot has changed", async () => {
  const pool = poolAt(fakeClock({ start: 1_000, autoAdvance: false }), three);
  let calls = 0;
  const stop = pool.onCooldown(() => (calls += 1));

  await report(pool, { kind: "success", reason: "ok" }, blocked);
  stop();
  await report(pool, blocked);

  assert.equal(calls, 1);
});
