import assert from "node:assert/strict";
import { test } from "node:test";
import { breaker, bulkhead, consecutive, rateLimit, unlimited } from "@holdfast/policy";
import { seededRandom, type FakeClock } from "@holdfast/policy/testing";
import fc from "fast-check";
import {
  ConnectionError,
  ConnectTimeoutError,
  NoProxyError,
  ReadTimeoutError,
} from "../errors/transport-errors.ts";
import type { LeaseRequest } from "../model/proxy-provider.ts";
import type { HttpResponse } from "../model/response.ts";
import type { Session } from "../session/session.ts";
import { isFailure } from "../telemetry/call-failure.ts";
import type { ScriptedEntry, ScriptedOutcome } from "../testing/scripted/scripted-adapter.ts";
import { scripted, type ScriptedSession } from "../testing/scripted/scripted-session.ts";
import type { RequestOptions, SessionOptions } from "./options.ts";
import type { SuspendedError } from "./suspension.ts";

const url = "https://a.test/";
const busy: ScriptedOutcome = { status: 503 };

function refused(): Error {
  return new ConnectionError("a.test refused the connection", {
    phase: "connect",
    mayHaveArrived: false,
    errno: "ECONNREFUSED",
  });
}

const unreachable = (): Error => new ConnectTimeoutError("a.test", 10_000);
const silent = (): Error => new ReadTimeoutError("a.test", 1_000, "headers");

function isSuspended(error: unknown): error is SuspendedError {
  return error instanceof Error && "code" in error && error.code === "ERR_SUSPENDED";
}

async function suspended(call: Promise<unknown>): Promise<SuspendedError> {
  const error = await call.then(String, (reason: unknown) => reason);
  assert.ok(isSuspended(error), String(error));
  return error;
}

/** Continues a request until it ends. The continuation passes through JSON. */
async function runSuspended(
  { session, clock }: { readonly session: Session; readonly clock: FakeClock },
  { method, ...options }: RequestOptions & { readonly method: string },
  onSuspended: (error: SuspendedError) => void = () => undefined,
): Promise<HttpResponse> {
  for (let continuation: object | undefined; ;) {
    try {
      const own = continuation === undefined ? {} : { continuation };
      return await session.request(method, url, { ...options, ...own, onWait: "suspend" });
    } catch (error) {
      if (!isSuspended(error)) throw error;
      onSuspended(error);
      await clock.sleep(Math.max(0, error.wait.until - clock.date()));
      continuation = JSON.parse(JSON.stringify(error.continuation)) as object;
    }
  }
}

/** Everything that a call did and returned. */
async function describe({ adapter, clock }: ScriptedSession, call: Promise<HttpResponse>): Promise<unknown> {
  const end = await call.then(
    ({ status, attempts, elapsed, history }) => ({
      status,
      attempts,
      elapsed,
      history: history.map((response) => response.status),
    }),
    (error: unknown) => {
      if (!isFailure(error)) throw error;
      const { message, attempts, elapsed, verdict, retryAt } = error;
      return { message, attempts, elapsed, verdict, retryAt };
    },
  );
  const requests = adapter.requests.map((request) => ({ ...request, headers: { ...request.headers } }));
  return rounded({ end, requests, now: clock.now() });
}

/** Rounds all times: their sums differ in the last binary digit. */
function rounded(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, part: unknown) =>
      typeof part === "number" ? Number(part.toFixed(6)) : part,
    ),
  );
}

const takes = fc.integer({ min: 0, max: 3_000 });
const outcome: fc.Arbitrary<ScriptedEntry> = fc.oneof(
  fc.record({ status: fc.constantFrom(500, 502, 503, 504, 408, 200, 404), takes }),
  fc.record({ status: fc.constantFrom(301, 302, 307), takes, headers: fc.constant({ location: "/next" }) }),
  fc.record({ status: fc.constant(307), takes, headers: fc.constant({ location: "https://b.test/?q=1" }) }),
  // Each request gets an error of its own, because the session adds the call to its message.
  fc.record({ takes, kind: fc.nat(2) }).map(({ takes: ms, kind }) => (): ScriptedOutcome => ({
    takes: ms,
    error: [refused, unreachable, silent][kind]?.(),
  })),
);

const settings = fc.record({
  seed: fc.nat(),
  total: fc.constantFrom("10m", "6s", "20s"),
  retry: fc.constantFrom<RequestOptions["retry"]>(
    undefined,
    { total: 6, connect: 2, read: 1, backoffMax: "5s" },
    { total: 8, status: 2, fastFirst: true },
    { total: 5, wait: ({ waited }, random) => 100 + random() * 3 * waited },
  ),
  method: fc.constantFrom("GET", "PUT", "POST"),
});

test("a request that is suspended at each wait makes the same attempts, decisions and waits as one that sleeps", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(outcome, { minLength: 1, maxLength: 9 }), settings, async (script, options) => {
      const { seed, total, retry, method } = options;
      const session = (): SessionOptions => ({
        random: seededRandom(seed),
        budget: unlimited,
        timeout: { total },
        pacing: false,
      });
      const own = {
        ...(retry !== undefined && { retry }),
        ...(method === "POST" && { idempotencyKey: "k1" }),
      };
      const sleeping = scripted(script, session());
      const suspending = scripted(script, session());

      const expected = await describe(sleeping, sleeping.session.request(method, url, own));
      const actual = await describe(suspending, runSuspended(suspending, { method, ...own }));

      assert.deepEqual(actual, expected);
    }),
    { numRuns: 200 },
  );
});

const suspend = { onWait: "suspend" } as const;

/** What is told about a wait, without its time. */
function waitOf({ wait: { scope, source, isStated, host } }: SuspendedError): readonly unknown[] {
  return [scope, source, isStated, host];
}

const waits: readonly (readonly [
  what: string,
  reply: ScriptedOutcome,
  wait: readonly [scope: string, source: string, isStated: boolean],
  delay: number,
])[] = [
  ["a 500", { status: 500 }, ["line", "back-off", false], 500],
  ["a refused connection", { error: refused() }, ["line", "back-off", false], 500],
  [
    "a 502 with Retry-After",
    { status: 502, headers: { "retry-after": "7" } },
    ["line", "retry-after", true],
    7_000,
  ],
  ["a 503 without Retry-After", busy, ["line", "back-off", false], 500],
  [
    "a 503 with Retry-After",
    { ...busy, headers: { "retry-after": "7" } },
    ["host", "retry-after", true],
    7_000,
  ],
  [
    "a 429 with Retry-After",
    { status: 429, headers: { "retry-after": "9" } },
    ["host", "retry-after", true],
    9_000,
  ],
  [
    "a 429 with a day of Retry-After",
    { status: 429, headers: { "retry-after": "86400" } },
    ["host", "retry-after", true],
    86_400_000,
  ],
  ["a 429 without Retry-After", { status: 429 }, ["host", "status 429", false], 1_000],
  [
    "a 429 with Retry-After: 0",
    { status: 429, headers: { "retry-after": "0" } },
    ["host", "status 429", false],
    1_000,
  ],
  [
    "a 403 of an exhausted rate limit",
    {
      status: 403,
      headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "60", "x-github-request-id": "1" },
    },
    ["host", "github:x-ratelimit-reset", true],
    61_000,
  ],
];

for (const [what, reply, wait, delay] of waits) {
  test(`a request is suspended after ${what}, and sleeps for nothing`, async () => {
    const { session, clock, adapter } = scripted([reply, {}], { random: () => 0.5 });

    const error = await suspended(session.get(url, suspend));

    assert.deepEqual([waitOf(error), error.wait.until], [[...wait, "a.test"], delay]);
    assert.deepEqual([clock.sleeps, adapter.requests.length, error.newAttempts], [[], 1, 1]);
    assert.deepEqual(
      error.attempts.map(({ decision, delay: waited }) => [decision, waited]),
      [["retried", delay]],
    );
  });
}

test("waits that the host asked for use up no attempt, and no time of the request", async () => {
  const limited: ScriptedOutcome = { status: 429, headers: { "retry-after": "60" } };
  const run = scripted([limited, limited, busy, limited, limited, busy, busy, {}], {
    retry: { total: 2 },
    timeout: { total: "30s" },
  });

  const response = await runSuspended(run, { method: "GET" });

  assert.deepEqual([response.status, run.adapter.requests.length], [503, 7]);
  assert.deepEqual(response.attempts.map(({ number, decision }) => [number, decision]).slice(-2), [
    [6, "retried"],
    [7, "retries-exhausted"],
  ]);
});

test("a 429 is waited for although no retry is left, unless retries are switched off", async () => {
  const limited: ScriptedOutcome = { status: 429, headers: { "retry-after": "60" } };
  const none = scripted([limited, {}], { retry: { total: 0 } });
  const off = scripted([limited, {}], { retry: { total: false } });

  assert.deepEqual(
    [(await runSuspended(none, { method: "GET" })).status, none.adapter.requests.length],
    [200, 2],
  );
  assert.equal((await off.session.get(url, suspend)).status, 429);
});

test("a POST is suspended after a refused connection, and not after a lost response", async () => {
  const { session } = scripted([{ error: refused() }, { error: silent() }], { random: () => 0.5 });

  const unsent = await suspended(session.post(url, { ...suspend, body: "1" }));
  const lost = await session.post(url, { ...suspend, body: "1" }).catch((error: unknown) => error);

  assert.equal(unsent.wait.scope, "line");
  assert.ok(!isSuspended(lost) && isFailure(lost));
});

test("requests are suspended before they are sent while a rate limit is closed", async () => {
  const limited: ScriptedOutcome = { status: 429, headers: { "retry-after": "60" } };
  const { session, adapter } = scripted([limited, {}]);
  await suspended(session.get(url, suspend));

  const error = await suspended(session.get(url, suspend));

  assert.deepEqual([waitOf(error), error.wait.until], [["host", "retry-after", true, "a.test"], 60_000]);
  assert.deepEqual([adapter.requests.length, error.attempts, error.newAttempts], [1, [], 0]);
  assert.deepEqual(session.findRateLimit("GET", url), error.wait);
});

test("a rate limit that is exhausted by an accepted request is known before it is hit", async () => {
  const last = {
    headers: { "x-ratelimit-limit": "10", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "30" },
  };
  const { session } = scripted([last]);

  assert.equal(session.findRateLimit("GET", url), undefined);
  await session.get(url, suspend);
  const wait = session.findRateLimit("GET", url);

  assert.deepEqual([wait?.scope, wait?.until, wait?.host], ["host", 30_000, "a.test"]);
});

test("waits before and after an attempt keep the counters and the key of a request", async () => {
  const run = scripted([busy, { status: 429, headers: { "retry-after": "3" } }, busy, {}], {
    retry: { total: 2 },
    random: () => 0.5,
  });
  const reasons: string[] = [];

  const response = await runSuspended(run, { method: "POST", body: "1", idempotencyKey: "auto" }, (error) =>
    reasons.push(error.wait.source),
  );

  assert.equal(response.status, 200);
  assert.deepEqual(reasons, ["back-off", "retry-after", "back-off"]);
  assert.equal(new Set(run.adapter.requests.map(({ headers }) => headers["idempotency-key"])).size, 1);
});

test("the time until a request is continued does not count for timeout.total", async () => {
  const { session, clock, adapter } = scripted([{ ...busy, takes: "2s" }, { takes: "2s" }], {
    timeout: { total: "5s" },
    random: () => 0.5,
  });
  const { continuation } = await suspended(session.get(url, suspend));
  await clock.sleep(86_400_000);

  const response = await session.get(url, { ...suspend, continuation });

  assert.deepEqual([response.status, response.elapsed, adapter.requests.length], [200, 4_500, 2]);
});

test("a back-off that does not fit into timeout.total ends a request that was suspended", async () => {
  const run = scripted([{ ...busy, takes: "2s" }], { timeout: { total: "5s" }, random: () => 0.5 });

  const response = await runSuspended(run, { method: "GET" });

  assert.deepEqual(
    [response.status, response.attempts.map(({ decision }) => decision)],
    [503, ["retried", "given-up: deadline"]],
  );
});

test("an open circuit, a full bulkhead and a rate limit of the policy suspend a request before it is sent", async () => {
  const circuit = breaker({ opensWhen: consecutive(1), breakDuration: "20s" });
  const open = scripted([busy, {}], { policy: () => circuit, retry: { total: 5 } });
  await suspended(open.session.get(url, suspend));
  const paced = scripted([{}], { policy: () => limit });
  const limit = rateLimit({ limit: 1, per: "10s" });
  await paced.session.get(url, suspend);
  const narrow = bulkhead({ concurrency: 1 });
  const full = scripted([{ takes: "1s" }], { policy: () => narrow });
  const running = full.session.get(url, suspend);

  const errors = [
    await suspended(open.session.get(url, suspend)),
    await suspended(paced.session.get(url, suspend)),
    await suspended(full.session.get(url, suspend)),
  ];

  assert.deepEqual(
    errors.map((error) => [waitOf(error)[1], error.wait.until, error.newAttempts]),
    [
      ["circuit-open", 20_000, 0],
      ["rate-limited", 10_000, 0],
      ["bulkhead-full", 100, 0],
    ],
  );
  assert.equal((await running).status, 200);
});

test("a request is suspended when no proxy is available, and gets one when it is continued", async () => {
  const { session, adapter } = scripted([{}]);
  let retryAt: number | undefined = 5_000;
  const mayWait: unknown[] = [];
  const provider = {
    covers: () => true,
    lease: async (request: LeaseRequest) => {
      mayWait.push(request.mayWait);
      if (retryAt !== undefined)
        throw new NoProxyError("No proxy is available", { target: "a.test", retryAt });
      return {
        url: "http://10.0.0.1:8080",
        label: "http://10.0.0.1:8080",
        identity: undefined,
        availability: () => ({ proxyAtFault: false, availableIn: 0 }),
        [Symbol.dispose]: () => undefined,
      };
    },
    wait: () => assert.fail("The session must not wait"),
    report: () => undefined,
    onRelease: () => () => undefined,
  };

  const error = await suspended(session.get(url, { ...suspend, proxy: provider }));
  retryAt = undefined;
  const response = await session.get(url, { ...suspend, proxy: provider, continuation: error.continuation });

  assert.deepEqual([waitOf(error), error.wait.until], [["proxy", "no-proxy", true, "a.test"], 5_000]);
  assert.deepEqual([response.status, adapter.requests.length, mayWait], [200, 1, [false, false]]);
});

test("a request that drains is suspended in place of its next attempt", async () => {
  const drain = new AbortController();
  const { session } = scripted([
    () => {
      drain.abort();
      return busy;
    },
    {},
  ]);

  const error = await suspended(
    session.get(url, { ...suspend, drain: drain.signal, retry: { total: 1, backoffFactor: 0 } }),
  );

  assert.deepEqual([error.wait.scope, error.wait.until, error.attempts.length], ["line", 0, 1]);
});

test("a wait behind a redirect names the host where the request went, and continues there", async () => {
  const run = scripted([
    { status: 302, headers: { location: "https://b.test/x" } },
    { status: 429, headers: { "retry-after": "5" } },
    {},
  ]);
  const hosts: string[] = [];

  const response = await runSuspended(run, { method: "GET", headers: { authorization: "secret" } }, (error) =>
    hosts.push(error.wait.host),
  );

  assert.deepEqual([response.status, response.history.length, hosts], [200, 1, ["b.test"]]);
  assert.deepEqual(
    run.adapter.requests.map(({ url: to, headers }) => [to, headers["authorization"]]),
    [
      [url, "secret"],
      ["https://b.test/x", undefined],
      ["https://b.test/x", undefined],
    ],
  );
});

test("a redirect to a signed URL is followed again from its start, and the continuation has no credential", async () => {
  const location = "https://b.test/x?X-Amz-Signature=topsecret";
  const run = scripted([
    { status: 302, headers: { location } },
    busy,
    { status: 302, headers: { location } },
    {},
  ]);
  const continuations: string[] = [];

  const response = await runSuspended(
    run,
    { method: "GET", headers: { authorization: "topsecret" } },
    (error) => continuations.push(JSON.stringify(error)),
  );

  assert.deepEqual([response.status, run.adapter.requests.length], [200, 4]);
  assert.ok(!continuations.join("").includes("topsecret"));
});

test("a redirect with Retry-After suspends the request before the next one", async () => {
  const run = scripted([{ status: 302, headers: { location: "/two", "retry-after": "30" } }, busy, {}], {
    random: () => 0.5,
  });
  const seen: unknown[] = [];

  const response = await runSuspended(run, { method: "GET" }, ({ wait }) =>
    seen.push([wait.source, wait.until]),
  );

  assert.deepEqual(
    [response.status, seen],
    [
      200,
      [
        ["retry-after", 30_000],
        ["back-off", 30_500],
      ],
    ],
  );
});

test("the continuation of a request with long URLs and many attempts is bounded", async () => {
  const long = `${url}${"a".repeat(60_000)}`;
  const limited: ScriptedOutcome = { status: 429, headers: { "retry-after": "1" } };
  const run = scripted([limited]);
  let continuation: object = {};
  for (let turn = 0; turn < 130; turn += 1) {
    const own = turn === 0 ? {} : { continuation };
    const error = await suspended(run.session.get(long, { ...suspend, ...own }));
    ({ continuation } = error);
    await run.clock.sleep(error.wait.until - run.clock.date());
    assert.equal(error.attempts.at(-1)?.number, turn + 1);
  }

  assert.ok(JSON.stringify(continuation).length < 65_536);
});

test("error hooks are not called for a suspension, and retry hooks are called once for each retry", async () => {
  const calls: string[] = [];
  const hooks = {
    error: [() => void calls.push("error")],
    retry: [() => void calls.push("retry")],
    giveUp: [() => void calls.push("giveUp")],
    attempt: [() => void calls.push("attempt")],
  };
  const run = scripted([busy, { status: 429 }, {}], { hooks });

  await runSuspended(run, { method: "GET" });

  assert.deepEqual(calls, ["attempt", "retry", "attempt", "retry", "attempt"]);
});

const wrong: readonly (readonly [options: object, message: RegExp])[] = [
  [{ onWait: "later" }, /request\.onWait takes "sleep" or "suspend", got "later"/],
  [{ onWait: "suspend", stream: true }, /request\.onWait cannot be used with stream/],
  [{ continuation: {} }, /request\.continuation needs onWait: "suspend"/],
  [
    { onWait: "suspend", continuation: 5 },
    /request\.continuation (?:must be|takes) the continuation of a suspended request/,
  ],
  [
    { onWait: "suspend", continuation: { version: 1 } },
    /request\.continuation must be the continuation of a suspended request, got an object/,
  ],
];

for (const [options, message] of wrong) {
  test(`a wrong use of a suspension is a TypeError: ${message.source.replaceAll("\\", "")}`, async () => {
    const { session } = scripted([{}]);

    await assert.rejects(session.get(url, options), { name: "TypeError", message });
  });
}

test("a continuation of another request is refused", async () => {
  const { session } = scripted([busy], { random: () => 0.5 });
  const { continuation } = await suspended(session.get(url, suspend));

  await assert.rejects(session.get(`${url}other`, { ...suspend, continuation }), {
    message: "request.continuation belongs to a request with another method or URL",
  });
});
