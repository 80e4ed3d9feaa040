import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock, type FakeClock } from "@holdfast/policy/testing";
import { NoProxyError } from "@holdfast/http";
import type { ProxyEvent } from "../options/events.ts";
import type { OutcomeKind } from "../rules/outcome.ts";
import { ProxyPool } from "../pool/pool.ts";

interface LeaseOptions {
  readonly via?: string;
  readonly reason?: string;
}

interface SetUp {
  readonly clock: FakeClock;
  readonly events: ProxyEvent[];
  /** Leases a proxy for a host (`via` selects it) and reports. Returns the name of the proxy, with a mark if it is at fault. */
  readonly go: (host: string, kind: OutcomeKind, options?: LeaseOptions) => Promise<string>;
  /** Returns the proxies with active cooldowns, and their hosts. */
  readonly cooldowns: () => readonly string[];
}

function setUp(size: number): SetUp {
  const clock = fakeClock({ start: 1_000, autoAdvance: false });
  const events: ProxyEvent[] = [];
  const names = Array.from({ length: size }, (_, index) => `p${index + 1}`);
  // Each proxy has its own country, so that a test can select it.
  const list = names.map((name) => ({ url: `${name}:1`, country: name }));
  const pool = new ProxyPool(list, { clock, random: () => 0, on: (event) => events.push(event) });
  const shown = (label: string): string => label.slice(7, -2);
  const go: SetUp["go"] = async (host, kind, { via, reason = kind } = {}) => {
    try {
      const lease = await pool.lease({ url: new URL(`http://${host}/`), country: via });
      lease.report({ kind, reason });
      return `${shown(lease.label)}${lease.proxyAtFault ? "!" : ""}`;
    } catch (error) {
      if (error instanceof NoProxyError) return "none";
      throw error;
    }
  };
  const cooldowns = (): readonly string[] =>
    pool
      .stats()
      .proxies.flatMap(({ proxy, activeCooldowns }) =>
        activeCooldowns.map(({ host = "anywhere" }) => `${shown(proxy)} at ${host}`),
      );
  return { clock, events, go, cooldowns };
}

async function times(count: number, run: () => Promise<string>): Promise<string> {
  const results: string[] = [];
  for (let time = 0; time < count; time += 1) results.push(await run());
  return results.join(" ");
}

test("a pool recognises an unknown host after three proxies, and starts no cooldown for it", async () => {
  const { go, cooldowns, events } = setUp(10);
  await times(10, () => go("good.test", "success"));

  for (const typo of ["a.test", "b.test", "c.test", "d.test", "e.test"]) {
    assert.match(await times(4, () => go(typo, "unreachable")), /^p\d+! p\d+! p\d+ p\d+$/);
    await go("good.test", "success");
  }

  assert.deepEqual(cooldowns(), []);
  assert.equal(events.filter(({ type }) => type === "origin-down").length, 5);
});

test("many simultaneous unknown hosts leave no cooldown for every host", async () => {
  const { go, cooldowns } = setUp(4);
  await times(4, () => go("good.test", "success"));

  // p1 tries each unknown host first, so that it gets a cooldown for every host.
  for (const typo of ["a.test", "b.test", "c.test"]) await go(typo, "unreachable", { via: "p1" });
  assert.deepEqual(cooldowns(), ["p1 at anywhere", "p1 at a.test", "p1 at b.test", "p1 at c.test"]);
  assert.doesNotMatch(await times(4, () => go("good.test", "success")), /p1/);
  await go("a.test", "unreachable", { via: "p2" });
  await go("a.test", "unreachable", { via: "p3" });

  assert.deepEqual(cooldowns(), ["p1 at b.test", "p1 at c.test"]);
  assert.match(await times(4, () => go("good.test", "success")), /p1/);
});

test("failures at a host that was itself at fault do not count against the proxy at other hosts", async () => {
  const { go, cooldowns } = setUp(4);
  await go("a.test", "unreachable", { via: "p1" });
  await go("b.test", "unreachable", { via: "p1" });
  for (const via of ["p2", "p3"]) await go("a.test", "unreachable", { via });

  await go("c.test", "unreachable", { via: "p1" });

  assert.deepEqual(cooldowns(), ["p1 at b.test", "p1 at c.test"]);
});

test("a host is at fault in a pool of two proxies only after both failed", async () => {
  const { go, cooldowns } = setUp(2);

  assert.equal(await go("a.test", "unreachable"), "p1!");
  assert.deepEqual(cooldowns(), ["p1 at a.test"]);
  assert.equal(await go("a.test", "unreachable"), "p2");
  assert.deepEqual(cooldowns(), []);
});

for (const kind of ["unreachable", "distorted"] as const) {
  test(`${kind}: failures at three hosts without a success in between start a cooldown for every host`, async () => {
    const { go, cooldowns, events } = setUp(3);
    for (const host of ["a.test", "b.test"]) await go(host, kind, { via: "p1" });
    await go("good.test", "success", { via: "p1" });
    for (const host of ["c.test", "d.test"]) await go(host, kind, { via: "p1" });
    assert.ok(!cooldowns().includes("p1 at anywhere"));

    await go("e.test", kind, { via: "p1" });

    assert.ok(cooldowns().includes("p1 at anywhere"));
    assert.equal(events.filter(({ type }) => type === "origin-down").length, 0);
  });
}

test("proxies without a success do not show that a host is down that responded to another proxy", async () => {
  const { go, cooldowns } = setUp(6);
  await go("a.test", "success", { via: "p6" });

  const bad = await times(4, () => go("a.test", "unreachable"));

  assert.equal(bad, "p1! p2! p3! p4!");
  assert.equal(cooldowns().length, 4);
});

test("proxies with earlier successes at a host show that it is down", async () => {
  const { go, cooldowns } = setUp(6);
  await times(6, () => go("a.test", "success"));

  assert.equal(await times(4, () => go("a.test", "unreachable")), "p1! p2! p3 p4");
  assert.deepEqual(cooldowns(), []);
});

test("an invalid certificate through three proxies is the host's fault, and other failures do not count towards it", async () => {
  const { go, cooldowns } = setUp(6);
  const refused = (via: string) => go("a.test", "distorted", { via, reason: "tls-certificate" });

  const first = [await refused("p1"), await refused("p2"), await go("a.test", "unreachable", { via: "p3" })];
  const portal = await go("a.test", "distorted", { via: "p4", reason: "tls" });
  assert.deepEqual([...first, portal], ["p1!", "p2!", "p3!", "p4!"]);

  assert.equal(await refused("p5"), "p5");
  assert.deepEqual(cooldowns(), ["p3 at a.test", "p4 at a.test"]);
});

test("the only proxy gets a cooldown at a host after eight failures in a row, and offers no other proxy", async () => {
  const { go, cooldowns } = setUp(1);

  assert.equal(await times(7, () => go("a.test", "blocked")), Array(7).fill("p1").join(" "));
  await go("a.test", "success");
  assert.equal(await times(7, () => go("a.test", "blocked")), Array(7).fill("p1").join(" "));
  assert.deepEqual(cooldowns(), []);
  await go("a.test", "blocked");

  assert.deepEqual(cooldowns(), ["p1 at a.test"]);
});
