import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock, type FakeClock } from "@holdfast/policy/testing";
import { HttpResponse, ProxyError, type ProxyAttemptRecord } from "@holdfast/http";
import { ProxyPool } from "./pool.ts";

interface Scene {
  readonly pool: ProxyPool;
  readonly clock: FakeClock;
  /** The number of tests of a proxy. */
  readonly tests: () => number;
  /** Leases a proxy for a URL, and reports what the response says. `refusal` is the reply to CONNECT; null opens the tunnel. */
  readonly report: (url: string, said: Said, refusal?: Refusal) => Promise<void>;
  /** The cooldowns of the first proxy: the host, or "everywhere", and the reason. */
  readonly cooldowns: () => readonly string[];
}

/** A status, or the reason of the ProxyError that the transport makes of a response. */
type Said = number | "auth" | "throttled" | "success";
/** "none": the adapter has no test. */
type Refusal = number | null | "none" | "closed";

function setUp(source = ["http://p1:1"]): Scene {
  const clock = fakeClock({ start: 1_000, autoAdvance: false });
  const pool = new ProxyPool(source, { clock, random: () => 0.5 });
  let tests = 0;
  const replyTo = (refusal: Exclude<Refusal, "none">): Promise<void> => {
    tests += 1;
    if (refusal === null) return Promise.resolve();
    return Promise.reject(
      new ProxyError("x", refusal === "closed" ? { reason: "closed" } : { status: refusal }),
    );
  };
  const recordOf = (url: string, said: Said): ProxyAttemptRecord => {
    const requestedDelay = (): undefined => undefined;
    if (typeof said === "string" && said !== "success")
      return { error: new ProxyError("x", { reason: said, phase: "headers" }), requestedDelay };
    const status = said === "success" ? 200 : said;
    const response = new HttpResponse({
      status,
      statusText: "",
      url,
      headers: {},
      content: new Uint8Array(0),
    });
    return { response, requestedDelay };
  };
  return {
    pool,
    clock,
    tests: () => tests,
    report: async (url, said, refusal = "none") => {
      const lease = await pool.lease({ url: new URL(url) });
      const testTunnel = refusal === "none" ? undefined : () => replyTo(refusal);
      await pool.report(lease, { ...recordOf(url, said), ...(testTunnel && { testTunnel }) });
    },
    cooldowns: () =>
      (pool.stats().proxies[0]?.activeCooldowns ?? []).map(
        ({ host = "everywhere", reason }) => `${host} ${reason}`,
      ),
  };
}

const two = ["http://p1:1", "http://p2:2"];

for (const said of [407, 511, 590, 592, 597, "auth", "throttled"] as const) {
  test(`one host that says ${said} over plain http stops a proxy only at this host`, async () => {
    const { report, cooldowns } = setUp(two);

    await report("http://evil.test/", said);
    await report("http://evil.test/", said);

    assert.equal(cooldowns().length, 1);
    assert.match(cooldowns()[0] ?? "", /^evil\.test /);
  });

  test(`two hosts that say ${said} over plain http stop a proxy everywhere`, async () => {
    const { report, cooldowns } = setUp();

    await report("http://a.test/", said);
    await report("http://b.test/", said);

    assert.match(cooldowns().join(), /everywhere/);
  });
}

test("a success between two suspicions clears the first", async () => {
  const { report, cooldowns } = setUp();

  await report("http://evil.test/", 407);
  await report("http://good.test/", "success");
  await report("http://other.test/", 407);

  assert.doesNotMatch(cooldowns().join(), /everywhere/);
});

test("nothing that came through a tunnel is the word of the proxy", async () => {
  for (const [proxy, scheme] of [
    ["http://p1:1", "https:"],
    ["https://p1:1", "https:"],
    ["socks5://p1:1", "http:"],
    ["socks4a://p1:1", "https:"],
  ] as const) {
    const { report, cooldowns, tests } = setUp([proxy]);

    for (const host of ["a.test", "b.test", "c.test"])
      for (const status of [407, 511, 590, 592, 594, 597]) await report(`${scheme}//${host}/`, status, 407);

    assert.deepEqual([cooldowns(), tests()], [[], 0], `${proxy} ${scheme}`);
  }
});

test("the reply of the proxy to CONNECT settles what one host says about it", async () => {
  const rows: readonly (readonly [Said, Exclude<Refusal, "none">, string])[] = [
    [407, 407, "everywhere proxy-auth"],
    ["auth", 407, "everywhere proxy-auth"],
    ["auth", 402, "everywhere proxy-payment"],
    [511, 511, "everywhere http-511"],
    [590, 590, "everywhere proxy"],
    ["throttled", 429, "everywhere proxy-throttled"],
    [407, null, ""],
    [407, 403, ""],
    [407, 501, ""],
    [407, 502, ""],
    [407, "closed", ""],
  ];

  for (const [said, refusal, expected] of rows) {
    const { report, cooldowns, tests } = setUp(two);
    await report("http://a.test/", said, refusal);

    assert.equal(tests(), 1);
    const [everywhere = "", ...others] = cooldowns().filter((it) => it.startsWith("everywhere"));
    assert.equal(everywhere, expected, `${said} ${refusal}`);
    assert.deepEqual(others, []);
    assert.ok(cooldowns().some((it) => it.startsWith("a.test ")));
  }
});

test("a proxy that opened a tunnel is not asked again for the time of a cooldown, and further hosts do not stop it", async () => {
  const { report, cooldowns, tests, clock } = setUp();

  await report("http://evil.test/", 407, null);
  for (const name of ["a", "b", "c"]) await report(`http://${name}.evil.test/`, 407, null);

  assert.equal(tests(), 1);
  assert.doesNotMatch(cooldowns().join(), /everywhere/);
  await clock.advance(30_000);
  await report("http://d.evil.test/", 407, 407);
  assert.equal(tests(), 2);
  assert.match(cooldowns().join(), /everywhere proxy-auth/);
});

test("a proxy that refuses after each cooldown stops everywhere each time, until it is retired", async () => {
  const { pool, report, cooldowns, clock } = setUp(two);
  for (let index = 0; index < 5; index += 1) {
    for (let member = 0; member < 2; member += 1) await report("http://a.test/", 407, 407);

    assert.match(cooldowns().join(), /everywhere proxy-auth/, `cooldown ${index + 1}`);
    await clock.advance(90_000 * 2 ** index);
  }

  assert.deepEqual(
    pool.stats().proxies.map(({ state }) => state),
    ["retired", "retired"],
  );
});

test("responses that accuse a proxy at the same time share one test", async () => {
  const { pool, tests, cooldowns } = setUp(["http://p1:1"]);
  const gate = Promise.withResolvers<void>();
  let asked = 0;
  const record: ProxyAttemptRecord = {
    error: new ProxyError("x", { status: 407, phase: "headers" }),
    requestedDelay: () => undefined,
    testTunnel: () => {
      asked += 1;
      return gate.promise;
    },
  };
  const leases = await Promise.all(
    ["a", "b", "c"].map((name) => pool.lease({ url: new URL(`http://${name}.test/`) })),
  );

  const reports = leases.map((lease) => pool.report(lease, record));
  gate.reject(new ProxyError("x", { status: 407 }));
  await Promise.all(reports.map((report) => Promise.resolve(report)));

  assert.equal(asked, 1);
  assert.equal(tests(), 0);
  assert.match(cooldowns().join(), /everywhere proxy-auth/);
});

test("a refusal by the host releases the connections of the only proxy, which may rotate, and of no other", async () => {
  for (const [source, expected] of [
    [["http://p1:1"], ["http://p1:1"]],
    [two, []],
  ] as const) {
    const { pool, report } = setUp([...source]);
    const released: string[] = [];
    pool.onRelease((proxyUrl) => released.push(proxyUrl));

    await report("https://shop.test/", 200);
    await report("https://shop.test/", 403);

    assert.deepEqual(
      released.map((proxyUrl) => new URL(proxyUrl).origin),
      expected,
    );
  }
});
