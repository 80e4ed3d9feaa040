import assert from "node:assert/strict";
import { test } from "node:test";
import {
  breaker,
  bulkhead,
  CircuitOpenError,
  consecutive,
  hedge,
  rateLimit,
  timeout,
  unlimited,
  waitFixed,
  type Policy,
} from "@holdfast/policy";
import { ReadTimeoutError } from "../errors/transport-errors.ts";
import { Retry } from "../retry/retry.ts";
import { isFailure } from "../telemetry/call-failure.ts";
import type { ScriptedEntry } from "../testing/scripted/scripted-adapter.ts";
import { catchFailure, scripted, type ScriptedSession } from "../testing/scripted/scripted-session.ts";

const url = "https://a.test/";
const busy: ScriptedEntry = { status: 503 };

function guarded(
  script: readonly ScriptedEntry[],
  guard: (origin: string) => Policy,
  total = 3,
): ScriptedSession {
  const retry = new Retry({ total, statusForcelist: [503], raiseOnStatus: false, wait: waitFixed("1s") });
  return scripted(script, { policy: guard, budget: unlimited, retry });
}

test("each origin has its own policy, created once", async () => {
  const origins: string[] = [];
  const { session } = guarded([{}], (origin) => (origins.push(origin), bulkhead({ concurrency: 1 })));

  for (const at of [url, "https://a.test/two", "https://a.test:8443/", "http://a.test/"])
    await session.get(at);

  assert.deepEqual(origins, ["https://a.test", "https://a.test:8443", "http://a.test"]);
});

const judged: readonly (readonly [what: string, entry: ScriptedEntry, opens: boolean])[] = [
  ["a 503", busy, true],
  ["a 429", { status: 429 }, true],
  ["a 500", { status: 500 }, true],
  ["a read timeout", () => ({ error: new ReadTimeoutError("a.test", 1, "headers") }), true],
  ["a 404", { status: 404 }, false],
  ["a 401", { status: 401 }, false],
  ["a 302", { status: 302 }, false],
  ["a 200", {}, false],
];

for (const [what, entry, opens] of judged) {
  test(`a breaker counts ${what} as ${opens ? "a failure" : "a success"}`, async () => {
    const guard = breaker({ opensWhen: consecutive(1) });
    const { session } = guarded([entry], () => guard, 0);

    await session.get(url).catch(() => undefined);

    assert.equal(guard.state, opens ? "open" : "closed");
  });
}

test("an open circuit ends the call immediately, with its retryAt", async () => {
  const { session, adapter, clock } = guarded([busy, busy, {}], () =>
    breaker({ opensWhen: consecutive(2), breakDuration: "30s" }),
  );

  const error = await catchFailure(session.get(url));

  assert.ok(error instanceof CircuitOpenError && isFailure(error));
  assert.deepEqual([error.retryAt, error.attempts.length, error.verdict.reason], [31_000, 3, "circuit-open"]);
  assert.deepEqual([adapter.requests.length, clock.sleeps], [2, [1_000, 1_000]]);
});

test("with waitForCircuit, an open circuit that outlasts the deadline ends the call immediately", async () => {
  const { session, clock } = guarded([busy, busy, {}], () =>
    breaker({ opensWhen: consecutive(2), breakDuration: "30s" }),
  );

  const error = await catchFailure(session.get(url, { waitForCircuit: true, timeout: "20s" }));

  assert.deepEqual([error["code"], clock.now()], ["ERR_CIRCUIT_OPEN", 2_000]);
});

test("with waitForCircuit, an open circuit sends nothing, and the next attempt waits for its probe", async () => {
  const { session, adapter, clock } = guarded([busy, busy, {}], () =>
    breaker({ opensWhen: consecutive(2), breakDuration: "30s" }),
  );

  const response = await session.get(url, { waitForCircuit: true });

  assert.deepEqual(
    response.attempts.map(({ status, error, delay, delaySource }) => [
      status ?? error?.code,
      delay,
      delaySource,
    ]),
    [
      [503, 1_000, "back-off"],
      [503, 1_000, "back-off"],
      ["ERR_CIRCUIT_OPEN", 29_000, "circuit-open"],
      [200, undefined, undefined],
    ],
  );
  assert.deepEqual(
    [adapter.requests.map(({ at }) => at), clock.sleeps],
    [
      [0, 1_000, 31_000],
      [1_000, 1_000, 29_000],
    ],
  );
});

test("an open circuit fails a call immediately if its break exceeds retryAfterMax", async () => {
  const guard = breaker({ opensWhen: consecutive(1), breakDuration: "1h" });
  const { session, adapter } = guarded([busy], () => guard, 0);
  await session.get(url);

  const error = await catchFailure(
    session.get(url, { retry: { retryAfterMax: "2m" }, waitForCircuit: true }),
  );

  assert.deepEqual(
    [error["code"], error["retryAt"], adapter.requests.length],
    ["ERR_CIRCUIT_OPEN", 3_600_000, 1],
  );
});

test("an open circuit fails a call immediately if its break exceeds the deadline", async () => {
  const guard = breaker({ opensWhen: consecutive(1), breakDuration: "1m" });
  const { session, clock } = guarded([busy], () => guard, 0);
  await session.get(url);

  const error = await catchFailure(
    session.get(url, { retry: new Retry({ total: 3 }), timeout: { total: "10s" } }),
  );

  assert.deepEqual([error["code"], error["retryAt"], clock.now()], ["ERR_CIRCUIT_OPEN", 60_000, 0]);
});

test("the call returns a response that its breaker counts as a failure", async () => {
  const { session } = guarded([{ status: 503, body: "down" }], () => breaker(), 1);

  const response = await session.get(url);

  assert.deepEqual([response.status, await response.text(), response.attempts.length], [503, "down", 2]);
});

test("the session retries a request that a full bulkhead rejected, even one with a stream", async () => {
  const { session, adapter } = guarded([{ takes: 500 }], () => bulkhead({ concurrency: 1, queue: 0 }));

  const [first, second] = await Promise.all([
    session.post(url),
    session.post(url, { body: new Blob(["x"]).stream() }),
  ]);

  assert.deepEqual(
    [first.attempts.length, second.attempts.map(({ error }) => error?.code)],
    [1, ["ERR_BULKHEAD_FULL", undefined]],
  );
  assert.deepEqual(
    adapter.requests.map(({ at }) => at),
    [0, 1_000],
  );
});

test("a rate limit delays every attempt, and its waits do not count as retries", async () => {
  const { session, adapter } = guarded([{}], () => rateLimit({ limit: 1, per: "10s" }));

  const responses = await Promise.all([session.get(url), session.get(url), session.get(url)]);

  assert.deepEqual(
    adapter.requests.map(({ at }) => at),
    [0, 10_000, 20_000],
  );
  assert.deepEqual(
    responses.map(({ attempts }) => attempts.length),
    [1, 1, 1],
  );
});

test("a hedge repeats a slow request, and the first success wins", async () => {
  const { session, adapter, clock } = guarded(
    [
      { takes: "20s", body: "slow" },
      { takes: "1s", body: "quick" },
    ],
    () => hedge({ delay: "2s" }),
  );

  const response = await session.get(url);

  assert.deepEqual(
    [await response.text(), adapter.requests.map(({ at }) => at), clock.now(), response.attempts.length],
    ["quick", [0, 2_000], 3_000, 1],
  );
});

for (const [what, method, key, sent] of [
  ["a slow POST once", "POST", undefined, 1],
  ["a slow POST with a key twice", "POST", "k-1", 2],
  ["a slow PUT twice", "PUT", undefined, 2],
] as const) {
  test(`a hedge sends ${what}`, async () => {
    const { session, adapter } = guarded([{ takes: "20s", body: "slow" }], () => hedge({ delay: "2s" }));

    const response = await session.request(method, url, key === undefined ? {} : { idempotencyKey: key });

    assert.equal(await response.text(), "slow");
    assert.equal(adapter.requests.length, sent);
  });
}

test("a hedge ignores a 503 while another try is running", async () => {
  const { session } = guarded(
    [
      { takes: "5s", body: "good" },
      { takes: "1s", status: 503 },
    ],
    () => hedge({ delay: "2s" }),
  );

  const response = await session.get(url);

  assert.deepEqual([await response.text(), response.attempts.length], ["good", 1]);
});

test("the session retries an attempt that exceeds the timeout of its policy", async () => {
  const { session, adapter } = guarded([{ takes: "5s" }, {}], () => timeout("1s"));

  const response = await session.get(url);

  assert.deepEqual(
    [response.attempts.map(({ error }) => error?.code), adapter.requests.length],
    [["ERR_DEADLINE", undefined], 2],
  );
});

test("the session does not retry a POST that exceeds the timeout of its policy", async () => {
  const { session, adapter } = guarded([{ takes: "5s" }, {}], () => timeout("1s"));

  const error = await catchFailure(session.post(url));

  assert.deepEqual([error["code"], adapter.requests.length], ["ERR_DEADLINE", 1]);
});
