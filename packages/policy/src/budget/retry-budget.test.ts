import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RetryError } from "../core/errors.ts";
import type { PolicyEvent } from "../core/events.ts";
import { retry } from "../retry/retry.ts";
import { stopAfterAttempt } from "../retry/stop.ts";
import { waitNone } from "../retry/wait.ts";
import { fakeClock } from "../clock/fake-clock.ts";
import { retryBudget, type SlidingBudget } from "./retry-budget.ts";

function spend(budget: SlidingBudget): number {
  let spent = 0;
  while (budget.withdraw()) spent += 1;
  return spent;
}

test("a budget without calls allows the minimum per second", () => {
  const budget = retryBudget({ clock: fakeClock() });

  assert.equal(budget.balance, 100);
  assert.equal(spend(budget), 100);
  assert.equal(budget.balance, 0);
});

test("a budget with ratio 0.2 allows exactly one retry per five calls", () => {
  const budget = retryBudget({ minPerSecond: 0, clock: fakeClock() });

  for (let call = 0; call < 50; call += 1) budget.deposit();

  assert.equal(budget.balance, 10);
  assert.equal(spend(budget), 10);
});

test("a budget drops calls and retries after its window", async () => {
  const clock = fakeClock();
  const budget = retryBudget({ ratio: 1, minPerSecond: 1, window: "10s", clock });
  budget.deposit();
  assert.equal(spend(budget), 11);

  await clock.advance(10_000);

  assert.equal(budget.balance, 10);
});

test("retries in any window stay within the ratio of the calls plus the minimum", () => {
  const steps = fc.array(fc.constantFrom("deposit", "withdraw", "tick"), { maxLength: 300 });
  fc.assert(
    fc.property(steps, (given) => {
      let now = 0;
      const clock = { ...fakeClock(), now: () => now };
      const budget = retryBudget({ ratio: 0.2, minPerSecond: 0.5, window: "10s", clock });
      let calls = 0;
      let retries = 0;
      for (const step of given) {
        if (step === "tick") now = Math.min(now + 100, 9_999);
        else if (step === "deposit") budget.deposit();
        calls += step === "deposit" ? 1 : 0;
        retries += step === "withdraw" && budget.withdraw() ? 1 : 0;
        assert.ok(retries <= 5 + calls * 0.2 + 1e-6);
      }
    }),
  );
});

test("a retry with an exhausted budget gives up with the failure as its cause", async () => {
  const clock = fakeClock();
  const budget = retryBudget({ minPerSecond: 0.1, clock });
  const events: PolicyEvent[] = [];
  const down = new Error("down");
  const policy = retry({
    wait: waitNone,
    stop: stopAfterAttempt(9),
    reraise: false,
    budget,
    on: (event) => events.push(event),
  });

  const error = await policy
    .execute(() => Promise.reject(down), { clock })
    .catch((reason: unknown) => reason);

  assert.ok(error instanceof RetryError);
  assert.equal(error.cause, down);
  assert.equal(error.attempts.length, 2);
  assert.deepEqual(events.at(-1), {
    type: "give-up",
    policy: "retry",
    attempt: error.last,
    reason: "budget",
  });
});

test("a budget that all calls share limits the load in an outage to 1 + ratio", async () => {
  const clock = fakeClock();
  const budget = retryBudget({ minPerSecond: 0, clock });
  const policy = retry({ wait: waitNone, stop: stopAfterAttempt(4), budget });
  let calls = 0;
  const task = (): Promise<never> => Promise.reject(new Error(`down ${(calls += 1)}`));

  for (let call = 0; call < 100; call += 1) await policy.execute(task, { clock }).catch(() => undefined);

  assert.equal(calls, 120);
});

for (const options of [
  { ratio: -1 },
  { ratio: NaN },
  { minPerSecond: -1 },
  { window: 0 },
  { window: Infinity },
]) {
  test(`retryBudget rejects ${Object.entries(options).flat().join(" ")}`, () => {
    assert.throws(() => retryBudget(options), RangeError);
  });
}
