import assert from "node:assert/strict";
import { test } from "node:test";
import {
  breaker,
  bulkhead,
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

test("each origin has a guard of its own, made once", async () => {
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
  ["silence", () => ({ error: new ReadTimeoutError("a.test", 1, "headers") }), true],
  ["a 404", { status: 404 }, false],
  ["a 401", { status: 401 }, false],
  ["a 302", { status: 302 }, false],
  ["a 200", {}, false],
];

for (const [what, entry, opens] of judged) {
  test(`a breaker takes ${what} for ${opens ? "a failure" : "a success"}`, async () => {
    const guard = breaker({ opensWhen: consecutive(1) });
    const { session } = guarded([entry], () => guard, 0);

    await session.get(url).catch(() => undefined);

    assert.equal(guard.state, opens ? "open" : "closed");
  });
}

test("while a circuit is open nothing is sent, and the next attempt waits until it lets one through", async () => {
  const { session, adapter, clock } = guarded([busy, busy, {}], () =>
    breaker({ opensWhen: consecutive(2), breakDuration: "30s" }),
  );

  const response = await session.get(url);

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

test("an open circuit fails a call at once when it opens later than the call would wait", async () => {
  const guard = breaker({ opensWhen: consecutive(1), breakDuration: "1h" });
  const { session, adapter } = guarded([busy], () => guard, 0);
  await session.get(url);

  const error = await catchFailure(session.get(url, { retry: new Retry({ total: 3, retryAfterMax: "2m" }) }));

  assert.deepEqual(
    [error["code"], error["retryAt"], adapter.requests.length],
    ["ERR_CIRCUIT_OPEN", 3_600_000, 1],
  );
});

test("a circuit that opens later than the deadline fails a call at once", async () => {
  const guard = breaker({ opensWhen: consecutive(1), breakDuration: "1m" });
  const { session, clock } = guarded([busy], () => guard, 0);
  await session.get(url);

  const error = await catchFailure(
    session.get(url, { retry: new Retry({ total: 3 }), timeout: { total: "10s" } }),
  );

  assert.deepEqual([error["code"], error["retryAt"], clock.now()], ["ERR_CIRCUIT_OPEN", 60_000, 0]);
});

test("the answer that a guard takes for a failure is handed out as it is", async () => {
  const { session } = guarded([{ status: 503, body: "down" }], () => breaker(), 1);

  const response = await session.get(url);

  assert.deepEqual([response.status, await response.text(), response.attempts.length], [503, "down", 2]);
});

test("a bulkhead turns away what is too much, and it is tried again, stream and all", async () => {
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

test("a rate limit holds for every attempt, and its waits are no retries", async () => {
  const { session, adapter } = guarded([{}], () => rateLimit({ limit: 1, per: "10s" }));

  const answers = await Promise.all([session.get(url), session.get(url), session.get(url)]);

  assert.deepEqual(
    adapter.requests.map(({ at }) => at),
    [0, 10_000, 20_000],
  );
  assert.deepEqual(
    answers.map(({ attempts }) => attempts.length),
    [1, 1, 1],
  );
});

test("a hedge sends what is slow a second time, and the first good answer wins", async () => {
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
  ["a POST once, however slow it is", "POST", undefined, 1],
  ["a POST with a key a second time", "POST", "k-1", 2],
  ["a PUT a second time", "PUT", undefined, 2],
] as const) {
  test(`a hedge sends ${what}`, async () => {
    const { session, adapter } = guarded([{ takes: "20s", body: "slow" }], () => hedge({ delay: "2s" }));

    const response = await session.request(method, url, key === undefined ? {} : { idempotencyKey: key });

    assert.equal(await response.text(), "slow");
    assert.equal(adapter.requests.length, sent);
  });
}

test("a hedge does not take a 503 for an answer while another is under way", async () => {
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

test("a guard's own time limit is a failed attempt", async () => {
  const { session, adapter } = guarded([{ takes: "5s" }, {}], () => timeout("1s"));

  const response = await session.get(url);

  assert.deepEqual(
    [response.attempts.map(({ error }) => error?.code), adapter.requests.length],
    [["ERR_DEADLINE", undefined], 2],
  );
});

test("a POST that a guard's time limit has cut off may have arrived, and is not sent again", async () => {
  const { session, adapter } = guarded([{ takes: "5s" }, {}], () => timeout("1s"));

  const error = await catchFailure(session.post(url));

  assert.deepEqual([error["code"], adapter.requests.length], ["ERR_DEADLINE", 1]);
});
