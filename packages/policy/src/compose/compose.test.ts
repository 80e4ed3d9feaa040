import assert from "node:assert/strict";
import { test } from "node:test";
import { breaker } from "../breaker/breaker.ts";
import { bulkhead } from "../bulkhead/bulkhead.ts";
import { CircuitOpenError, RetryError } from "../core/errors.ts";
import type { PolicyEvent } from "../core/events.ts";
import { fallback } from "../fallback/fallback.ts";
import { hedge } from "../hedge/hedge.ts";
import type { Policy } from "../core/policy.ts";
import { rateLimit } from "../rate/rate-limit.ts";
import { retry } from "../retry/retry.ts";
import { stopAfterAttempt } from "../retry/stop.ts";
import { waitFixed } from "../retry/wait.ts";
import { fakeClock } from "../clock/fake-clock.ts";
import { timeout } from "../timeout/timeout.ts";
import { consecutive } from "../breaker/failure-tally.ts";
import { compose } from "./compose.ts";
import { explain } from "./explain.ts";

function noting(name: string, notes: string[]): Policy {
  return {
    execute: async (task, context) => {
      notes.push(`> ${name}`);
      const value = await compose().execute(task, context ?? {});
      notes.push(`< ${name}`);
      return value;
    },
    explain: () => ({ policy: name }),
  };
}

test("compose runs the first policy outermost", async () => {
  const notes: string[] = [];

  await compose(noting("outer", notes), noting("inner", notes)).execute(() => notes.push("task"));

  assert.deepEqual(notes, ["> outer", "> inner", "task", "< inner", "< outer"]);
});

test("the task receives the attempt number of the retry through all policies in between", async () => {
  const clock = fakeClock();
  const policy = compose(
    retry({ wait: waitFixed(1) }),
    breaker(),
    bulkhead(),
    timeout("1s"),
    hedge({ delay: "1s" }),
  );

  const attempt = await policy.execute(
    ({ attempt }) => (attempt < 3 ? Promise.reject(new Error("down")) : attempt),
    { clock },
  );

  assert.equal(attempt, 3);
});

test("no policy runs a task whose caller has already aborted", async () => {
  const policies: readonly Policy[] = [
    compose(),
    timeout("1s"),
    retry(),
    breaker(),
    bulkhead(),
    rateLimit({ limit: 1, per: "1s" }),
    hedge({ delay: "1s" }),
  ];
  let calls = 0;

  for (const policy of policies) {
    const ended = policy.execute(() => (calls += 1), { signal: AbortSignal.abort("enough") });
    assert.equal(await ended.catch((reason: unknown) => reason), "enough");
  }

  assert.equal(calls, 0);
});

test("a breaker inside a retry ends the attempts early, and the fallback outside returns its value", async () => {
  const clock = fakeClock();
  const events: PolicyEvent["type"][] = [];
  const policy = compose(
    fallback({ value: "cached" }),
    retry({ wait: waitFixed("1s"), stop: stopAfterAttempt(4) }),
    breaker({ opensWhen: consecutive(2) }),
  );
  let calls = 0;

  const value = await policy.execute(() => Promise.reject(new Error(`down ${(calls += 1)}`)), {
    clock,
    on: ({ type }) => events.push(type),
  });

  assert.equal(value, "cached");
  assert.equal(calls, 2);
  assert.deepEqual(
    events.filter((type) => type !== "attempt" && type !== "retry"),
    ["opened", "rejected", "fell-back"],
  );
});

test("an open circuit ends the retry around it, with the failure before it as the cause", async () => {
  const clock = fakeClock();
  const down = new Error("down");
  const policy = compose(
    retry({ wait: waitFixed("1s"), stop: stopAfterAttempt(9), reraise: false }),
    breaker({ opensWhen: consecutive(2) }),
  );

  const error = await policy.execute(() => Promise.reject(down), { clock }).catch((e: unknown) => e);

  assert.ok(error instanceof CircuitOpenError && error.cause === down);
  assert.deepEqual([clock.sleeps, error.retryAt], [[1_000, 1_000], 11_000]);
});

test("waitForCircuit retries when the circuit runs calls again, within the deadline", async () => {
  const outcomeOf = async (deadline: number): Promise<unknown> => {
    const clock = fakeClock();
    const policy = compose(
      retry({ wait: waitFixed("1s"), stop: stopAfterAttempt(9), waitForCircuit: true }),
      breaker({ opensWhen: consecutive(2) }),
    );
    let calls = 0;
    const value: unknown = await policy
      .execute(() => ((calls += 1) > 2 ? "up" : Promise.reject(new Error("down"))), { clock, deadline })
      .catch((error: unknown) => error);
    return [value instanceof CircuitOpenError ? "open" : value, clock.sleeps];
  };

  assert.deepEqual(await outcomeOf(Infinity), ["up", [1_000, 1_000, 9_000]]);
  assert.deepEqual(await outcomeOf(5_000), ["open", [1_000, 1_000]]);
});

test("compose keeps the cause of every failure through all policies", async () => {
  const clock = fakeClock();
  const policy = compose(
    retry({
      wait: waitFixed("1s"),
      stop: stopAfterAttempt(3),
      name: "outer",
      reraise: false,
      waitForCircuit: true,
    }),
    breaker({ opensWhen: consecutive(2) }),
  );

  const error = await policy
    .execute(() => Promise.reject(new Error("down")), { clock })
    .catch((e: unknown) => e);

  assert.ok(error instanceof RetryError && error.cause instanceof CircuitOpenError);
  assert.deepEqual(
    error.attempts.map(({ outcome }) => (outcome.ok ? "" : String(outcome.error))),
    ["Error: down", "Error: down", "CircuitOpenError: The circuit is open until 1970-01-01T00:00:11.000Z"],
  );
});

test("explain prints one line per policy", () => {
  const policy = compose(
    timeout("60s"),
    compose(retry({ wait: waitFixed("2s") }), breaker(), bulkhead({ concurrency: 3 })),
    rateLimit({ limit: 10, per: "1s" }),
  );

  assert.equal(
    explain(policy),
    [
      "compose",
      "  timeout: limit 1m",
      "  compose",
      "    retry: when retryIfError(), wait waitFixed(2s), stop stopAfterAttempt(3), reraise true, enabled true",
      "    breaker: opensWhen timeWindow(50 % within 30s, at least 20), breakDuration 10s, probes 1",
      "    bulkhead: concurrency 3, queue unlimited",
      "  rateLimit: rate 10 per 1s, burst 1, maxWait forever",
    ].join("\n"),
  );
});

test("a task that fails after its call has ended causes no unhandled rejection", async (t) => {
  const unhandled = t.mock.fn();
  process.on("unhandledRejection", unhandled);
  t.after(() => process.off("unhandledRejection", unhandled));
  const clock = fakeClock();
  const caller = new AbortController();
  let tries = 0;
  const deaf = async (): Promise<string> => {
    tries += 1;
    await clock.sleep(tries % 2 === 1 ? 5_000 : 100);
    throw new Error("late");
  };
  const policies: readonly Policy[] = [timeout("1s"), hedge({ delay: 50 }), compose(retry(), timeout("1s"))];

  for (const policy of policies) {
    await policy.execute(deaf, { clock, signal: caller.signal }).catch(() => undefined);
  }
  const aborted = compose(timeout("1s"), hedge({ delay: 50 })).execute(deaf, {
    clock,
    signal: caller.signal,
  });
  caller.abort("enough");
  await aborted.catch(() => undefined);
  await clock.advance(60_000);

  assert.ok(tries >= 6);
  assert.equal(unhandled.mock.callCount(), 0);
});
