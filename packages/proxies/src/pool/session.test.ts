import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { test } from "node:test";
import { fakeClock, type FakeClock } from "@holdfast/policy/testing";
import {
  type Adapter,
  ConnectionError,
  type HttpResponse,
  NoProxyError,
  ProtocolError,
  ProxyError,
  ReadTimeoutError,
  Retry,
  Session,
  type SessionOptions,
  TlsError,
  channelNames,
  isFailure,
  sessionDefaults,
} from "@holdfast/http";
import type { ProxyEvent } from "../options/events.ts";
import { ProxyPool } from "./pool.ts";
import type { ProxyPoolOptions, ProxySource } from "../options/options.ts";
import {
  scriptedAdapter,
  type ScriptedAdapter,
  type ScriptedEntry,
  type ScriptedOutcome,
} from "@holdfast/http/testing";

const url = "http://a.test/";
const three = ["p1:1", "p2:2", "p3:3"];

interface SetUp {
  readonly session: Session;
  readonly pool: ProxyPool;
  readonly adapter: ScriptedAdapter;
  readonly clock: FakeClock;
  readonly forgotten: string[];
  /** The hosts of the proxies that the requests used, in order. */
  readonly via: () => string;
}

interface Plan {
  readonly source?: ProxySource;
  readonly pool?: ProxyPoolOptions;
  readonly session?: SessionOptions;
}

function setUp(
  script: readonly ScriptedEntry[],
  { source = three, pool: options, session: own }: Plan = {},
): SetUp {
  const clock = fakeClock({ start: 1_000 });
  const pool = new ProxyPool(source, { clock, random: () => 0, ...options });
  const scripted = scriptedAdapter(script, { clock });
  const forgotten: string[] = [];
  const adapter: Adapter = { ...scripted, forget: (proxy) => void forgotten.push(proxy) };
  const session = new Session({ clock, random: () => 0.5, trustEnvironment: false, proxy: pool, ...own });
  session.mount("https://", adapter).mount("http://", adapter);
  const via = (): string =>
    scripted.requests.map(({ proxy = "-" }) => proxy.replace(/^http:\/\/(?:.*@)?/, "")).join(" ");
  return { session, pool, adapter: scripted, clock, forgotten, via };
}

/** Returns the response for the proxy of a request. */
const byProxy =
  (outcomes: Readonly<Record<string, ScriptedOutcome>>): ScriptedEntry =>
  ({ proxy = "" }) =>
    outcomes[new URL(proxy).hostname] ?? { status: 200 };

const refusing = (status?: number): ScriptedOutcome => ({
  error: new ProxyError("refused", status === undefined ? {} : { status }),
});
const notThere: ScriptedOutcome = {
  error: new ConnectionError("refused", { errno: "ECONNREFUSED", phase: "connect", mayHaveArrived: false }),
};
const refusedTls = (certificate: boolean): ScriptedOutcome => ({
  error: new TlsError("refused", {
    certificate,
    errno: certificate ? "SELF_SIGNED_CERT_IN_CHAIN" : "EPROTO",
  }),
});
const mangled: ScriptedOutcome = {
  error: new ProtocolError("two lengths", { phase: "headers", mayHaveArrived: true }),
};
const challenge: ScriptedOutcome = {
  status: 200,
  headers: { "content-type": "text/html" },
  body: "<title>Just a moment...</title><script>window._cf_chl_opt={}</script>",
};

const movingOn: readonly (readonly [what: string, bad: ScriptedOutcome])[] = [
  ["a 403", { status: 403 }],
  ["a 429", { status: 429, headers: { "retry-after": "60" } }],
  ["a challenge page with status 200", challenge],
  ["a refused connection to the proxy", notThere],
  ["a proxy that rejects the credentials", refusing(407)],
  ["a proxy that refuses the host", refusing(403)],
  ["a proxy that cannot reach the host", refusing(502)],
  ["a proxy that intercepts TLS", refusedTls(true)],
  ["a captive portal in the tunnel", refusedTls(false)],
  ["a captive portal's 511", { status: 511 }],
  ["a proxy that corrupts the head", mangled],
];

for (const [what, bad] of movingOn) {
  test(`a session retries immediately through another proxy after ${what}`, async () => {
    const { session, clock, via } = setUp([byProxy({ p1: bad, p2: bad })]);

    const response = await session.get(url);

    assert.equal(response.status, 200);
    assert.equal(via(), "p1:1 p2:2 p3:3");
    assert.deepEqual(
      clock.sleeps.filter((delay) => delay > 0),
      [],
    );
    assert.deepEqual(
      response.attempts.map(({ proxy, decision, delay, delaySource }) => [
        proxy,
        decision,
        delay,
        delaySource,
      ]),
      [
        ["http://p1:1", "retried", 0, "proxy"],
        ["http://p2:2", "retried", 0, "proxy"],
        ["http://p3:3", "success", undefined, undefined],
      ],
    );
  });
}

test("a session repeats a POST through another proxy after a failed handshake, but not after a corrupt head", async () => {
  const tls = setUp([byProxy({ p1: refusedTls(true) })]);
  const head = setUp([byProxy({ p1: mangled })]);

  assert.equal((await tls.session.post(url, { body: "x" })).status, 200);
  await assert.rejects(head.session.post(url, { body: "x" }), ProtocolError);

  assert.deepEqual([tls.via(), head.via()], ["p1:1 p2:2", "p1:1"]);
});

test("an invalid certificate through three proxies ends the call, and starts no cooldown", async () => {
  const { session, pool, via } = setUp([refusedTls(true)], { source: [...three, "p4:4"] });

  const error: unknown = await session.get(url).catch((reason: unknown) => reason);

  assert.ok(isFailure(error) && error instanceof TlsError);
  assert.equal(via(), "p1:1 p2:2 p3:3");
  assert.equal(error.attempts[2]?.decision, "not-retried: tls-certificate");
  assert.ok(pool.stats().proxies.every(({ activeCooldowns }) => activeCooldowns.length === 0));
});

test("a call waits for another proxy after an invalid certificate through one proxy", async () => {
  const { session, pool, via, clock } = setUp([byProxy({ p1: refusedTls(true) })], {
    source: ["p1:1", { url: "p2:2", maxConcurrent: 1 }],
  });
  const busy = await pool.lease({ url: new URL("http://b.test/") });
  const other = await pool.lease({ url: new URL("http://b.test/") });
  busy.report({ kind: "success", reason: "ok" });
  void clock.sleep(1_500).then(() => other.report({ kind: "success", reason: "ok" }));

  const response = await session.get(url);

  assert.equal(response.status, 200);
  assert.equal(via().split(" ").at(-1), "p2:2");
});

test("isBlocked marks a response as blocked with true or with a reason, also asynchronously", async () => {
  const expired: ScriptedOutcome = { status: 200, body: "Proxy expired" };
  const isBlocked = (verdict: string | boolean) => async (response: HttpResponse) =>
    (await response.text()) === "Proxy expired" && verdict;
  for (const [verdict, reason] of [
    [true, "is-blocked"],
    ["expired", "expired"],
  ] as const) {
    const { session, pool, via } = setUp([byProxy({ p1: expired })], {
      pool: { isBlocked: isBlocked(verdict) },
    });

    const response = await session.get(url);

    assert.equal(response.status, 200);
    assert.equal(via(), "p1:1 p2:2");
    assert.deepEqual([response.attempts[0]?.verdict.reason, response.verdict.reason], [reason, "ok"]);
    assert.equal(pool.stats().proxies[0]?.activeCooldowns[0]?.reason, reason);
  }
});

test("a response that isBlocked accepts is not a success when no other proxy is available", async () => {
  const { session } = setUp([{ status: 200 }], { source: ["p1:1"], pool: { isBlocked: () => "expired" } });

  const response = await session.get(url);

  assert.deepEqual(
    [response.verdict.kind, response.attempts[0]?.decision],
    ["blocked", "not-retried: expired"],
  );
});

test("an error of isBlocked ends the call and releases the proxy", async () => {
  const isBlocked = (): never => {
    throw new Error("a mistake");
  };
  const { session, pool } = setUp([{ status: 200 }], { pool: { isBlocked } });

  await assert.rejects(session.get(url), /a mistake/);

  assert.deepEqual([pool.stats().proxies[0]?.inFlight, pool.stats().proxies[0]?.failures], [0, 0]);
});

test("a session retries immediately through the only rotating gateway, with another address", async () => {
  const { session, clock, pool, adapter } = setUp([{ status: 403 }, { status: 429 }, { status: 200 }], {
    source: [{ url: "http://ada:love@gw:7777", rotatesPerConnection: true }],
  });

  const response = await session.get(url);

  assert.equal(response.status, 200);
  assert.equal(new Set(adapter.requests.map(({ proxy }) => proxy)).size, 3);
  assert.deepEqual(
    clock.sleeps.filter((delay) => delay > 0),
    [],
  );
  assert.deepEqual(pool.stats().proxies[0]?.activeCooldowns, []);
});

test("an invalid certificate through the only proxy ends the call without a retry", async () => {
  const { session, pool, via } = setUp([refusedTls(true)], { source: ["p1:1"] });

  await assert.rejects(session.get(url), TlsError);

  assert.equal(via(), "p1:1");
  assert.deepEqual(pool.stats().proxies[0]?.activeCooldowns, []);
});

test("attempts through other proxies count as retries, and the response lists proxies and reasons", async () => {
  const { session, via } = setUp([{ status: 403 }], {
    source: [...three, "p4:4", "p5:5"],
    session: { retry: sessionDefaults.retry.new({ total: 2 }) },
  });

  const response = await session.get(url);

  assert.equal(response.status, 403);
  assert.equal(via(), "p1:1 p2:2 p3:3");
  assert.deepEqual(
    response.attempts.map(({ proxy, verdict, decision }) => [proxy, verdict.reason, decision]),
    [
      ["http://p1:1", "http-403", "retried"],
      ["http://p2:2", "http-403", "retried"],
      ["http://p3:3", "http-403", "retries-exhausted"],
    ],
  );
});

test("the error that ends a call lists the proxies of its attempts", async () => {
  const { session } = setUp([notThere], { session: { retry: sessionDefaults.retry.new({ total: 1 }) } });

  const error: unknown = await session.get(url).catch((reason: unknown) => reason);

  assert.ok(isFailure(error));
  assert.deepEqual(
    error.attempts.map(({ proxy, error: failure }) => [proxy, failure?.code]),
    [
      ["http://p1:1", "ERR_CONNECTION"],
      ["http://p2:2", "ERR_CONNECTION"],
    ],
  );
});

test("a session does not try another proxy with retries switched off", async () => {
  for (const retry of [new Retry({ total: false }), new Retry({ total: 0, raiseOnStatus: false })]) {
    const { session, via } = setUp([{ status: 403 }], { session: { retry } });

    assert.equal((await session.get(url)).status, 403);
    assert.equal(via(), "p1:1");
  }
});

test("a session returns a 403 when no other proxy is available", async () => {
  const { session, via } = setUp([{ status: 403 }], { source: ["p1:1"] });

  const response = await session.get(url);

  assert.deepEqual(
    [response.status, response.attempts[0]?.decision, via()],
    [403, "not-retried: http-403", "p1:1"],
  );
});

test("a challenge page is not a success when no other proxy is available", async () => {
  const { session } = setUp([challenge], { source: ["p1:1"] });

  const response = await session.get(url);

  assert.deepEqual(
    [response.status, response.verdict.kind, response.verdict.reason],
    [200, "blocked", "challenge-cloudflare"],
  );
  assert.throws(() => response.raiseForStatus());
  assert.equal(response.attempts[0]?.decision, "not-retried: challenge-cloudflare");
});

test("a session keeps to the back-off during cooldowns, and makes no attempt before a proxy is available", async () => {
  const { session, clock, via } = setUp(
    [
      { status: 429, headers: { "retry-after": "20" } },
      { status: 429, headers: { "retry-after": "9" } },
      { status: 200 },
    ],
    { source: ["p1:1", "p2:2"] },
  );

  const response = await session.get(url);

  assert.equal(response.status, 200);
  assert.equal(via(), "p1:1 p2:2 p2:2");
  assert.deepEqual(
    clock.sleeps.filter((delay) => delay > 0),
    [9_450],
  );
  assert.deepEqual(
    response.attempts.map(({ delay, delaySource }) => [delay, delaySource]),
    [
      [0, "proxy"],
      [9_450, "back-off"],
      [undefined, undefined],
    ],
  );
});

test("a 429 with a Retry-After of 0 starts a cooldown", async () => {
  const { session, via } = setUp([{ status: 429, headers: { "retry-after": "0" } }, { status: 200 }], {
    source: ["p1:1"],
  });

  const response = await session.get(url);

  assert.equal(via(), "p1:1 p1:1");
  assert.deepEqual([response.attempts[0]?.delaySource, response.attempts[0]?.delay], ["back-off", 30_500]);
});

test("a call ends with retryAt when the next proxy is available too late", async () => {
  const { session } = setUp([{ status: 429, headers: { "retry-after": "600" } }], { source: ["p1:1"] });

  const response = await session.get(url);

  assert.deepEqual(
    [response.status, response.retryAt, response.attempts[0]?.decision],
    [429, 601_000, "no-proxy-in-time"],
  );
});

test("a call without an available proxy fails immediately, or waits if the pool waits", async () => {
  const source = ["p1:1", "p2:2"];
  const failing = setUp([{ status: 403 }], { source });
  await failing.session.get(url);
  const error: unknown = await failing.session.get(url).catch((reason: unknown) => reason);
  const waiting = setUp([{ status: 403 }, { status: 403 }, { status: 200 }], {
    source,
    pool: { whenEmpty: "wait" },
  });
  await waiting.session.get(url);
  const response = await waiting.session.get(url);

  assert.ok(error instanceof NoProxyError && isFailure(error));
  assert.deepEqual([error.retryAt, error.target, error.attempts.length], [31_000, "a.test", 1]);
  assert.equal(error.verdict.reason, "no-proxy");
  assert.equal(response.status, 200);
  assert.equal(waiting.clock.now(), 31_000);
});

test("a call stops waiting for a proxy when the session closes or drain is aborted", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const { session, pool } = setUp([{ status: 200 }], {
    source: ["p1:1"],
    pool: { whenEmpty: "wait", clock },
    session: { clock },
  });
  (await pool.lease({ url: new URL(url) })).report({ kind: "proxy-failed", reason: "proxy" });
  const drain = new AbortController();
  const calls = [session.get(url, { drain: drain.signal }), session.get(url)];
  await clock.advance(1);

  drain.abort(new Error("draining"));
  await assert.rejects(calls[0] ?? Promise.resolve(), /draining/);
  void session.close();
  await assert.rejects(calls[1] ?? Promise.resolve(), /session was closed/);
});

for (const [what, plan] of [
  ["at its interval", { every: "2s" }],
  ["because too few are available", { minAvailable: 1 }],
] as const) {
  test(`a call whose only proxy failed continues when the source returns another proxy ${what}`, async () => {
    let fetches = 0;
    const source = { fetch: async () => [(fetches += 1) === 1 ? "p1:1" : "p2:2"], ...plan };
    const { session, clock, via } = setUp([byProxy({ p1: notThere })], { source });

    const response = await session.get(url);

    assert.deepEqual([response.status, via(), fetches], [200, "p1:1 p2:2", 2]);
    const waited = clock.now() - 1_000;
    assert.ok(waited <= 6_000, `${waited} ms`);
    assert.deepEqual(
      response.attempts.map(({ delay, delaySource }) => [delay, delaySource]),
      [
        [waited, "proxy"],
        [undefined, undefined],
      ],
    );
  });
}

test("a call that gets a proxy early still keeps to its back-off, deadline and signal", async () => {
  const source = (): ProxySource => {
    let fetches = 0;
    return { fetch: async () => [(fetches += 1) === 1 ? "p1:1" : "p2:2"], every: "1s" };
  };
  const patient = sessionDefaults.retry.new({ wait: () => 4_000 });
  const slow = setUp([byProxy({ p1: notThere })], { source: source(), session: { retry: patient } });
  await slow.session.get(url);
  assert.equal(slow.clock.now(), 5_000);

  const late = setUp([byProxy({ p1: notThere })], { source: source() });
  await assert.rejects(late.session.get(url, { timeout: { total: "10s" } }), ConnectionError);
  assert.equal(late.clock.now(), 1_000);

  const caller = new AbortController();
  const ended = setUp([notThere], { source: source() });
  ended.session.hooks.retry.push(() => void setImmediate(() => caller.abort(new Error("mine"))));
  await assert.rejects(ended.session.get(url, { signal: caller.signal }), /^Error: mine$/);
});

test("a call that waits for a proxy continues when a busy proxy becomes available", async () => {
  const clock = fakeClock({ start: 1_000, autoAdvance: false });
  const { session, pool, via } = setUp([byProxy({ p1: notThere })], {
    source: ["p1:1", { url: "p2:2", maxConcurrent: 1 }],
    pool: { clock },
    session: { clock, retry: sessionDefaults.retry.new({ wait: () => 0 }) },
  });
  const leases = [await pool.lease({ url: new URL(url) }), await pool.lease({ url: new URL(url) })];
  leases[0]?.report({ kind: "success", reason: "ok" });
  session.hooks.retry.push(
    () => void setImmediate(() => leases[1]?.report({ kind: "success", reason: "ok" })),
  );

  await session.get(url);

  assert.deepEqual([via(), clock.now()], ["p1:1 p2:2", 1_000]);
});

const never = (): Promise<never> => new Promise(() => undefined);

for (const [what, source] of [
  ["a hanging source", never],
  ["hanging credentials", [{ url: "p1:1", credentials: never }]],
] as const satisfies readonly (readonly [what: string, source: ProxySource])[]) {
  test(`a deadline, an abort and close() end a call that waits for ${what}`, async () => {
    const { session } = setUp([{ status: 200 }], { source });
    const caller = new AbortController();

    await assert.rejects(session.get(url, { timeout: { total: "1s" } }), {
      code: "ERR_DEADLINE",
      limit: 1_000,
    });
    const aborted = session.get(url, { signal: caller.signal });
    setImmediate(() => caller.abort(new Error("mine")));
    await assert.rejects(aborted, /^Error: mine$/);
    const closed = session.get(url);
    setImmediate(() => void session.close());
    await assert.rejects(closed, /session was closed/);
  });
}

test("a call whose source fails at the start throws NoProxyError with its cause and attempts, and the next call fetches again", async () => {
  const cause = new Error("vendor is down");
  let fails = true;
  const { session } = setUp([{ status: 200 }], {
    source: async () => (fails ? Promise.reject(cause) : ["p1:1"]),
  });

  const error: unknown = await session.get(url).catch((reason: unknown) => reason);
  fails = false;

  assert.ok(error instanceof NoProxyError && isFailure(error));
  assert.match(
    error.message,
    /^The proxy source failed, so no proxy is available for a\.test: vendor is down$/,
  );
  assert.deepEqual([error.cause, error.attempts.length], [cause, 1]);
  assert.equal((await session.get(url)).status, 200);
});

test("a call without a country fails for templates that need one", async () => {
  const { session } = setUp([{ status: 200 }], { source: ["u-{country}:love@p1:1"] });

  await assert.rejects(
    session.get(url),
    /1 has \{country\} in its template, but the request names no country$/,
  );
  assert.equal((await session.get(url, { proxy: { country: "us" } })).status, 200);
});

test("a call that finds no proxy at a later attempt retries when a proxy is available", async () => {
  const { session, pool, via } = setUp([{ status: 503 }, { status: 200 }], { source: ["p1:1"] });
  session.hooks.retry.push(async ({ number }) => {
    if (number > 1) return;
    (await pool.lease({ url: new URL(url) })).report({ kind: "proxy-failed", reason: "proxy" });
  });

  const response = await session.get(url);

  assert.equal(response.status, 200);
  assert.equal(via(), "p1:1 p1:1");
  assert.deepEqual(
    response.attempts.map(({ error, delaySource }) => [error?.code, delaySource]),
    [
      [undefined, "back-off"],
      ["ERR_NO_PROXY", "no-proxy"],
      [undefined, undefined],
    ],
  );
});

test("a session repeats a POST that the failed proxy did not forward, but not one that may have arrived", async () => {
  const unsent = setUp([byProxy({ p1: refusing(502) })]);
  const sent = setUp([byProxy({ p1: { error: new ReadTimeoutError("a.test", 1, "headers") } })]);
  const refused = setUp([byProxy({ p1: { status: 403 } })]);

  assert.equal((await unsent.session.post(url, { body: "x" })).status, 200);
  await assert.rejects(sent.session.post(url, { body: "x" }), ReadTimeoutError);
  assert.equal((await refused.session.post(url, { body: "x" })).status, 403);

  assert.deepEqual([unsent.via(), sent.via(), refused.via()], ["p1:1 p2:2", "p1:1", "p1:1"]);
});

test("a session retries a failing origin with the usual back-off, and penalises no proxy", async () => {
  const { session, pool } = setUp([refusing(502)], { source: [...three, "p4:4", "p5:5"] });

  const error: unknown = await session.get(url).catch((reason: unknown) => reason);

  assert.ok(isFailure(error));
  assert.deepEqual(
    error.attempts.map(({ delaySource }) => delaySource),
    ["proxy", "proxy", "back-off", undefined],
  );
  assert.ok(pool.stats().proxies.every(({ activeCooldowns }) => activeCooldowns.length === 0));
});

test("a sticky identity has its own cookies and user agent, also over redirects", async () => {
  const { session, adapter } = setUp(
    [
      ({ url: to }) =>
        to.endsWith("/") ? { status: 302, headers: { location: "/home", "set-cookie": "id=7" } } : {},
    ],
    { pool: { userAgents: ["Browser"] } },
  );
  const proxy = { identity: "ada" };

  await session.get(url, { proxy });
  await session.get("http://a.test/x");
  await session.get("http://a.test/y", { proxy });

  assert.deepEqual(
    adapter.requests.map(({ headers }) => [headers["cookie"], headers["user-agent"]]),
    [
      [undefined, "Browser"],
      ["id=7", "Browser"],
      [undefined, "holdfast"],
      ["id=7", "Browser"],
    ],
  );
  assert.equal(
    new Set(adapter.requests.filter((_, index) => index !== 2).map(({ proxy: via }) => via)).size,
    1,
  );
});

test("a request may select a country, its own proxy or another pool", async () => {
  const { session, via } = setUp([{ status: 200 }], {
    source: [
      { url: "p1:1", country: "us" },
      { url: "p2:2", country: "de" },
    ],
  });

  await session.get(url, { proxy: { country: "de" } });
  await session.get(url, { proxy: "http://own.test:9" });
  await session.get(url, { proxy: new ProxyPool(["other:8"]) });
  await assert.rejects(session.get(url, { proxy: { country: "fr" } }), NoProxyError);

  assert.equal(via(), "p2:2 own.test:9 other:8");
});

test("a session closes the connections of a proxy that leaves the pool", async () => {
  const { session, forgotten, clock, pool } = setUp([{ status: 200 }, notThere], {
    source: { fetch: async () => (clock.now() < 5_000 ? ["http://ada:love@p1:1"] : ["p2:2"]), every: "1s" },
  });
  await session.get(url);
  await clock.advance(10_000);
  await session.get(url).catch(() => undefined);
  await pool.ready();
  await session.close();

  assert.deepEqual(forgotten, ["http://ada:love@p1:1"]);
});

test("an aborted call releases its proxy without a penalty", async () => {
  const caller = new AbortController();
  const script: ScriptedEntry = () => {
    caller.abort(new Error("enough"));
    return { error: new ReadTimeoutError("a.test", 1, "headers") };
  };
  const { session, pool } = setUp([script], { source: ["p1:1"] });

  await assert.rejects(session.get(url, { signal: caller.signal }), /enough/);

  const [stats] = pool.stats().proxies;
  assert.deepEqual([stats?.inFlight, stats?.failures, stats?.state], [0, 0, "available"]);
});

test("the proxy channel publishes pool events, and attempt messages name their proxy", async () => {
  const messages: string[] = [];
  const listen = (message: unknown): void => {
    const { type, proxy } = message as ProxyEvent & { readonly proxy?: string };
    messages.push(`${type ?? "attempt"} ${proxy}`);
  };
  for (const name of [channelNames.proxy, channelNames.attempt]) subscribe(name, listen);
  const { session } = setUp([byProxy({ p1: { status: 403 } })], { source: ["p1:1", "p2:2"] });
  await session.get(url);
  for (const name of [channelNames.proxy, channelNames.attempt]) unsubscribe(name, listen);

  assert.deepEqual(messages, [
    "joined http://p1:1",
    "joined http://p2:2",
    "cooldown-started http://p1:1",
    "attempt http://p1:1",
    "attempt http://p2:2",
  ]);
});
