import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock, seededRandom, type FakeClock } from "@holdfast/policy/testing";
import { NoProxyError } from "@holdfast/http";
import type { ProxyEvent } from "../options/events.ts";
import type { PoolLease } from "../options/pool-lease.ts";
import type { ProxyOutcome } from "../rules/outcome.ts";
import { ProxyPool } from "./pool.ts";
import type { ProxyPoolOptions, ProxySource } from "../options/options.ts";

const url = new URL("http://a.test/");
const elsewhere = new URL("http://b.test/");
const ok: ProxyOutcome = { kind: "success", reason: "ok" };
const blocked: ProxyOutcome = { kind: "blocked", reason: "http-403" };

interface SetUp {
  readonly pool: ProxyPool;
  readonly clock: FakeClock;
  readonly events: ProxyEvent[];
  readonly forgotten: string[];
  readonly go: (session?: string, outcome?: ProxyOutcome, to?: URL) => Promise<PoolLease>;
}

function setUp(source: ProxySource, options: ProxyPoolOptions = {}): SetUp {
  const clock = fakeClock({ start: 1_000, autoAdvance: false });
  const events: ProxyEvent[] = [];
  const forgotten: string[] = [];
  const random = seededRandom(3);
  const pool = new ProxyPool(source, { clock, random, on: (event) => events.push(event), ...options });
  pool.onRelease((proxy) => forgotten.push(proxy));
  const go: SetUp["go"] = async (session, outcome = ok, to = url) => {
    const lease = await pool.lease({ url: to, identity: session });
    lease.report(outcome);
    return lease;
  };
  return { pool, clock, events, forgotten, go };
}

const gateway = {
  url: "customer-{user}-sessid-{session:alnum8}-sesstime-{ttl:minutes}:{pass}@gw.test:7777",
  values: { user: "ada", pass: "love" },
  session: { ttl: "10m", idle: "60s" },
} as const;
const three = ["p1:1", "p2:2", "p3:3"];

test("requests with the same key share proxy, cookies, user agent and connections", async () => {
  const { go, pool } = setUp(three, { userAgents: ["one", "two"] });

  const [x1, y, plain, x2] = [await go("x"), await go("y"), await go(), await go("x")];

  assert.equal(x1.label, x2.label);
  assert.equal(x1.url, x2.url);
  assert.equal(x1.identity, x2.identity);
  assert.notEqual(x1.identity?.cookies, y.identity?.cookies);
  assert.match(x1.identity?.userAgent ?? "", /^(?:one|two)$/);
  assert.equal(plain.identity, undefined);
  assert.equal(pool.stats().identities, 2);
});

test("two identities of one proxy have different URLs, so that they share no connection", async () => {
  const { go } = setUp(["http://ada:love@p1:1"]);

  const urls = [(await go("x")).url, (await go("y")).url, (await go()).url];

  assert.equal(new Set(urls).size, 3);
  for (const proxy of urls) {
    const { host, username, password } = new URL(proxy);
    assert.deepEqual([host, username, password], ["p1:1", "ada", "love"]);
  }
});

test("sticky derives the keys from hosts or by a function", async () => {
  const byHost = setUp(three, { sticky: "host" });
  const hosts = [
    await byHost.go(undefined, ok, url),
    await byHost.go(undefined, ok, elsewhere),
    await byHost.go(),
  ];
  const byFunction = setUp(three, {
    sticky: (request) => request.url.searchParams.get("account") ?? undefined,
  });
  const account = (name: string) => byFunction.go(undefined, ok, new URL(`http://a.test/?account=${name}`));
  const accounts = [await account("1"), await account("2"), await account("1"), await byFunction.go()];

  assert.deepEqual([hosts[0]?.label === hosts[2]?.label, hosts[0]?.label === hosts[1]?.label], [true, false]);
  assert.equal(accounts[0]?.identity, accounts[2]?.identity);
  assert.notEqual(accounts[0]?.identity, accounts[1]?.identity);
  assert.equal(accounts[3]?.identity, undefined);
});

test("a blocked identity ends, and its key gets another identity at another proxy", async () => {
  const { go, forgotten, events } = setUp(three);

  const before = await go("x", blocked);
  const availability = before.availability();
  const after = await go("x");

  assert.deepEqual(availability, { proxyAtFault: true, availableIn: 0 });
  assert.notEqual(after.label, before.label);
  assert.notEqual(after.identity?.cookies, before.identity?.cookies);
  assert.deepEqual(forgotten, [before.url]);
  assert.deepEqual(
    events.filter(({ type }) => type === "identity-ended"),
    [{ type: "identity-ended", proxy: before.label, reason: "http-403" }],
  );
});

test("a throttled identity stays the same and waits", async () => {
  const { go, pool, clock } = setUp(three);
  const before = await go("x", { kind: "throttled", reason: "http-429", retryAfter: 9_000 });

  assert.deepEqual(before.availability(), { proxyAtFault: true, availableIn: 9_000 });
  await assert.rejects(pool.lease({ url, identity: "x" }), (error: unknown) => {
    return error instanceof NoProxyError && error.retryAt === 10_000;
  });
  assert.equal((await go("x", ok, elsewhere)).identity, before.identity);
  await clock.advance(9_000);

  assert.equal((await go("x")).identity, before.identity);
});

test("an identity ends when its proxy leaves, and its connections close after its last request", async () => {
  let list = ["p1:1", "p2:2"];
  const { pool, go, clock, forgotten } = setUp({ fetch: async () => list, every: "1m" });
  const x = await go("x");
  const open = await pool.lease({ url, identity: "x" });
  list = list.filter((line) => !x.label.endsWith(line));
  await clock.advance(60_000);

  await go();
  await pool.ready();

  assert.deepEqual(forgotten, []);
  open.report(ok);
  assert.deepEqual(forgotten, [x.url]);
  assert.notEqual((await go("x")).label, x.label);
});

test("a vendor's session is kept for a key, has an id in the vendor's format, and is renewed before the vendor's limits", async () => {
  const { go, clock } = setUp([gateway]);

  const first = await go("x");
  assert.match(first.url, /^http:\/\/customer-ada-sessid-[A-Za-z\d]{8}-sesstime-10:love@gw\.test:7777$/);
  assert.equal((await go("x")).url, first.url);
  assert.notEqual((await go("y")).url, first.url);

  await clock.advance(53_999);
  assert.equal((await go("x")).url, first.url, "not idle yet");
  await clock.advance(54_000);
  const idle = await go("x");
  assert.notEqual(idle.url, first.url);

  for (let time = 0; time < 17; time += 1) {
    await clock.advance(30_000);
    assert.equal((await go("x")).url, idle.url);
  }
  await clock.advance(30_000);
  assert.notEqual((await go("x")).url, idle.url, "nine of its ten minutes are over");
});

test("requests without a key share a vendor's session until it is blocked, throttled or used up, and the gateway stays available", async () => {
  const { go, pool, forgotten } = setUp([{ ...gateway, session: { maxUses: 3 } }]);

  const urls = [await go(), await go(), await go(), await go()].map(({ url: proxy }) => proxy);
  const last = await go(undefined, blocked);
  const next = await go(undefined, { kind: "throttled", reason: "http-429", retryAfter: 60_000 });
  const after = await go();

  assert.equal(new Set(urls.slice(0, 3)).size, 1);
  assert.notEqual(urls[3], urls[0]);
  assert.equal(last.url, urls[3]);
  assert.deepEqual([last.availability().availableIn, next.availability().availableIn], [0, 0]);
  assert.equal(new Set([last.url, next.url, after.url]).size, 3);
  assert.deepEqual(forgotten, [urls[0], last.url, next.url]);
  assert.equal(pool.stats().proxies[0]?.blocks, 1);
});

test("a gateway gets a cooldown if all its sessions are blocked", async () => {
  const { go, pool } = setUp([gateway]);
  for (let time = 0; time < 7; time += 1) await go(undefined, blocked);
  assert.ok(await go(undefined, blocked), "seven in a row were not enough");

  await assert.rejects(pool.lease({ url }), NoProxyError);
  assert.ok(await go(undefined, ok, elsewhere));
});

test("a session blocked under twenty concurrent requests counts as one block, and all requests may retry through the next session", async () => {
  const { pool, events } = setUp([gateway]);
  const leases: PoolLease[] = [];
  for (let number = 0; number < 20; number += 1) leases.push(await pool.lease({ url }));

  for (const lease of leases) lease.report(blocked);

  assert.equal(new Set(leases.map(({ url: proxy }) => proxy)).size, 1);
  assert.ok(leases.every((lease) => lease.proxyAtFault && lease.availability().availableIn === 0));
  assert.equal(events.filter(({ type }) => type === "identity-ended").length, 1);
  assert.deepEqual(pool.stats().proxies[0]?.activeCooldowns, []);
  assert.notEqual((await pool.lease({ url })).url, leases[0]?.url);
});

test("a successful session clears the blocks of earlier sessions", async () => {
  const { go, pool } = setUp([gateway]);

  for (let time = 0; time < 40; time += 1) {
    await go(undefined, blocked);
    await go(undefined, blocked);
    await go(undefined, ok);
  }

  assert.deepEqual(pool.stats().proxies[0]?.activeCooldowns, []);
});

test("several sessions take turns, and a blocked session is replaced without affecting the others", async () => {
  const { go } = setUp([{ ...gateway, sessions: 3 }]);

  const first = [await go(), await go(), await go()].map(({ url: proxy }) => proxy);
  const second = [await go(), await go(undefined, blocked), await go()].map(({ url: proxy }) => proxy);
  const third = [await go(), await go(), await go()].map(({ url: proxy }) => proxy);

  assert.equal(new Set(first).size, 3);
  assert.deepEqual(second.slice(0, 2), first.slice(0, 2));
  assert.deepEqual(third, [first[2], first[0], second[2]]);
  assert.equal(new Set([...first, ...second]).size, 4);
  assert.ok(!third.includes(second[1] ?? ""));
});

for (const [how, source, options] of [
  ["an entry", [{ url: "ada:love@gw.test:1", rotatesPerConnection: true }], {}],
  ["the options of the pool", ["ada:love@gw.test:1"], { rotatesPerConnection: true }],
] as const) {
  test(`a rotating gateway declared by ${how} has a connection for each running request, and reuses those that succeeded`, async () => {
    const { pool, forgotten } = setUp(source, options);
    const two = [await pool.lease({ url }), await pool.lease({ url })];
    const [x, y] = two.map(({ url: proxy }) => proxy);
    for (const lease of two) lease.report(ok);
    const again = [await pool.lease({ url }), await pool.lease({ url })];
    again[0]?.report(blocked);
    again[1]?.report(ok);
    const last = await pool.lease({ url });

    assert.notEqual(x, y);
    assert.ok(two.every(({ identity, label }) => identity === undefined && label === "http://gw.test:1"));
    assert.deepEqual(
      again.map(({ url: proxy }) => proxy),
      [x, y],
    );
    assert.deepEqual([again[0]?.proxyAtFault, again[0]?.availability().availableIn], [true, 0]);
    assert.deepEqual(forgotten, [x]);
    assert.equal(last.url, y);
  });
}

test("a rotating gateway gets a cooldown at a host after eight refused addresses in a row", async () => {
  const { go, pool } = setUp([{ url: "gw.test:1", rotatesPerConnection: true }]);

  for (let time = 0; time < 100; time += 1) await go(undefined, time % 8 === 7 ? ok : blocked);
  assert.deepEqual(pool.stats().proxies[0]?.activeCooldowns, []);
  for (let time = 0; time < 4; time += 1) await go(undefined, { kind: "throttled", reason: "http-429" });

  await assert.rejects(pool.lease({ url }), NoProxyError);
  assert.ok(await go(undefined, ok, elsewhere));
});

test("a pool removes ten thousand identities after their use", async () => {
  const { go, pool, clock, forgotten } = setUp([gateway, ...three], { maxIdentities: 500 });
  for (let number = 0; number < 10_000; number += 1) {
    await go(
      `account-${number}`,
      number % 7 === 0 ? blocked : ok,
      new URL(`http://h${number % 3_000}.test/`),
    );
    if (number % 100 === 0) await clock.advance(1_000);
  }

  const { identities, hosts } = pool.stats();
  assert.ok(identities <= 500, `${identities} identities`);
  assert.ok(hosts <= 3_000, `${hosts} hosts`);
  assert.ok(forgotten.length >= 9_000, `${forgotten.length} forgotten`);
  assert.equal(new Set(forgotten).size, forgotten.length, "each once");

  await clock.advance(7_200_000);
  await go();
  assert.equal(pool.stats().identities, 0);
  assert.ok(pool.stats().hosts <= 2);
});

test("statistics, events and leases contain no session id, user or password", async () => {
  const { go, pool, events } = setUp([gateway, "http://ada:love@p1:1"]);
  const seen: string[] = [];
  for (const session of ["hunter2000", undefined]) {
    for (const outcome of [ok, blocked, ok]) seen.push(JSON.stringify(await go(session, outcome)));
  }
  const text = seen.join() + JSON.stringify(pool.stats()) + JSON.stringify(events);

  assert.doesNotMatch(text, /ada|love|sessid|hunter2000/);
  assert.match(text, /gw\.test:7777/);
});
