import assert from "node:assert/strict";
import { test } from "node:test";
import { breaker } from "../breaker/breaker.ts";
import { consecutive } from "../breaker/failure-tally.ts";
import { compose } from "../compose/compose.ts";
import { failed, succeeded } from "../core/outcome.ts";
import { fullJitter } from "../retry/jitter.ts";
import { retry } from "../retry/retry.ts";
import { stopAfterAttempt, stopNever } from "../retry/stop.ts";
import { waitExponential, waitFixed, waitNone } from "../retry/wait.ts";
import { retryIfError, retryIfResult } from "../retry/when.ts";
import { timeout } from "../timeout/timeout.ts";
import { plan } from "./plan.ts";

const doubling = retry({ wait: waitExponential({ multiplier: "1s" }), stop: stopAfterAttempt(4) });

test("plan lists the waits of a retry with their start times", async () => {
  const { waits, attempts, duration, ends } = await plan(doubling, { attemptDuration: "500ms" });

  assert.deepEqual(waits, [
    { policy: "retry", attempt: 1, delay: 1_000, at: 500 },
    { policy: "retry", attempt: 2, delay: 2_000, at: 2_000 },
    { policy: "retry", attempt: 3, delay: 4_000, at: 4_500 },
  ]);
  assert.deepEqual([attempts, duration, ends], [4, 9_000, "failure"]);
});

test("plan ends when an attempt succeeds", async () => {
  const { waits, attempts, ends, worst } = await plan(doubling, { failures: 1 });

  assert.deepEqual(
    waits.map(({ delay }) => delay),
    [1_000],
  );
  assert.deepEqual([attempts, ends], [2, "success"]);
  assert.deepEqual([worst.attempts, worst.ends], [4, "failure"]);
});

test("plan repeats itself for the same seed, and its worst case has the longest waits", async () => {
  const policy = retry({ wait: fullJitter(waitFixed("8s")), stop: stopAfterAttempt(3) });

  const first = await plan(policy, { seed: 7 });
  const second = await plan(policy, { seed: 7 });
  const other = await plan(policy, { seed: 8 });

  assert.deepEqual(first, second);
  assert.notDeepEqual(first.waits, other.waits);
  assert.ok(first.duration < 16_000);
  assert.equal(Math.round(first.worst.duration), 16_000);
});

test("plan multiplies the attempts of nested retries", async () => {
  const layer = retry({ wait: waitNone, stop: stopAfterAttempt(4) });

  const { amplification } = await plan(compose(layer, layer, layer));

  assert.equal(amplification, 64);
});

test("plan respects a timeout", async () => {
  const { attempts, duration } = await plan(compose(timeout("5s"), doubling), { attemptDuration: "1s" });

  assert.equal(attempts, 2);
  assert.equal(duration, 3_000);
});

test("plan stops a policy that never stops, and reports it as unfinished", async () => {
  const { attempts, ends } = await plan(retry({ wait: waitFixed("1s"), stop: stopNever }), {
    maxAttempts: 50,
  });

  assert.deepEqual([attempts, ends], [50, "unfinished"]);
});

test("plan ends at an infinite wait", async () => {
  const { waits, attempts, ends } = await plan(retry({ wait: waitFixed(Infinity) }));

  assert.deepEqual([waits, attempts, ends], [[], 1, "failure"]);
});

test("plan fails with the given error or result", async () => {
  const refusing = retry({ when: retryIfResult((status: number) => status === 503), wait: waitFixed("1s") });

  const refused = await plan(refusing, { failWith: succeeded(503) });
  const picky = await plan(retry({ when: retryIfError(RangeError) }), {
    failWith: failed(new Error("other")),
  });

  assert.equal(refused.attempts, 3);
  assert.equal(picky.attempts, 1);
});

test("plan leaves the state of a breaker unchanged", async () => {
  const circuit = breaker({ opensWhen: consecutive(2) });

  const { attempts } = await plan(compose(doubling, circuit));

  assert.equal(attempts, 2);
  assert.equal(circuit.state, "closed");
});

test("plan rejects maxAttempts of 0", async () => {
  await assert.rejects(plan(doubling, { maxAttempts: 0 }), RangeError);
});

test("plan uses no callback, listener or budget of a retry", async () => {
  const calls: string[] = [];
  const watched = doubling.with({
    after: () => void calls.push("after"),
    beforeSleep: () => void calls.push("beforeSleep"),
    on: ({ type }) => void calls.push(type),
    budget: { deposit: () => void calls.push("deposit"), withdraw: () => calls.push("withdraw") > 0 },
  });

  const { attempts } = await plan(watched);

  assert.equal(attempts, 4);
  assert.deepEqual(calls, []);
});

test("plan fails with an error that every condition retries by default", async () => {
  const picky = doubling.with({ when: retryIfResult((value: { busy?: boolean }) => value.busy === true) });

  assert.equal((await plan(picky)).attempts, 4);
});
