import assert from "node:assert/strict";
import { test } from "node:test";
import { breaker } from "../breaker/breaker.ts";
import { compose } from "../compose/compose.ts";
import { adaptiveConcurrency } from "../concurrency/adaptive-concurrency.ts";
import { bulkhead } from "../bulkhead/bulkhead.ts";
import { retryBudget } from "../budget/retry-budget.ts";
import { fallback } from "../fallback/fallback.ts";
import { hedge } from "../hedge/hedge.ts";
import { rateLimit } from "../rate/rate-limit.ts";
import { retry } from "../retry/retry.ts";
import { stopAfterAttempt } from "../retry/stop.ts";
import { timeout } from "../timeout/timeout.ts";

const table: readonly (readonly [(value: never) => unknown, unknown, string])[] = [
  [retry, { whn: 1 }, 'retry has no option "whn": it has '],
  [retry, { stop: 3 }, "retry.stop must be a function, such as stopAfterAttempt(5), got 3"],
  [retry, { budget: "x" }, "retry.budget must be an object, got a string"],
  [stopAfterAttempt, "x", "stopAfterAttempt needs a number of attempts, got a string"],
  [breaker, { opensWhen: 5 }, "breaker.opensWhen must be an object, got 5"],
  [breaker, { threshold: 5 }, 'breaker has no option "threshold": it has '],
  [bulkhead, 5, "bulkhead takes { concurrency, queue, on, name }, got 5"],
  [breaker, null, "breaker takes { opensWhen, "],
  [bulkhead, { concurency: 5 }, 'bulkhead has no option "concurency": it has '],
  [retryBudget, { ratios: 5 }, 'retryBudget has no option "ratios": it has '],
  [hedge, { dealy: 5 }, 'hedge has no option "dealy": it has '],
  [rateLimit, { limit: 5, per: "1s", bursts: 2 }, 'rateLimit has no option "bursts": it has '],
  [fallback, { valeu: 5 }, 'fallback has no option "valeu": it has '],
  [adaptiveConcurrency, { queues: 5 }, 'adaptiveConcurrency has no option "queues": it has '],
  [(options: never) => timeout("1s", options), { nmae: "t" }, 'timeout has no option "nmae": it has '],
  [compose, 5, "compose takes policies, such as retry(), got 5"],
];

for (const [create, value, message] of table) {
  test(`rejects a wrong value: ${message}`, () => {
    assert.throws(
      () => create(value as never),
      (error: unknown) => error instanceof TypeError && error.message.startsWith(message),
    );
  });
}

test("accepts options whose value is undefined", () => {
  const policy = retry({ when: undefined } as object);

  assert.equal(typeof policy, "function");
});
