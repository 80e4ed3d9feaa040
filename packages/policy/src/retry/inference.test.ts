import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "../testing/index.ts";
import type { AttemptRun } from "./attempt-iterator.ts";
import { retry, type RetryPolicy } from "./retry.ts";
import { stopAfterAttempt, stopAny, stopAfterDelay } from "./stop.ts";
import { waitChain, waitExponential, waitFixed, waitNone, type Wait } from "./wait.ts";
import { retryAny, retryIfError, retryIfResult } from "./when.ts";

/*
 * Types that the compiler must infer without annotations. Each `same` compiles only if the types are the same. At run
 * time, the tests only have to complete.
 */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

function same<A, B>(..._proof: Same<A, B> extends true ? [] : [never]): void {}

interface User {
  readonly id: number;
}

const policy = retry({ wait: waitNone });

test("types: execute returns the type of the task's value", async () => {
  const promised = policy.execute(async () => ({ id: 1 }));
  const plain = policy.execute(() => "text");

  same<typeof promised, Promise<{ id: number }>>();
  same<typeof plain, Promise<string>>();
  assert.deepEqual(await Promise.all([promised, plain]), [{ id: 1 }, "text"]);
});

test("types: a task receives a Scope", async () => {
  const attempt = policy.execute(({ attempt: number, signal }) => (signal === undefined ? number : 0));

  same<typeof attempt, Promise<number>>();
  assert.equal(await attempt, 1);
});

test("types: a wrapped function keeps its parameters and value", async () => {
  const load = policy(async (id: number, ..._more: readonly string[]): Promise<User> => ({ id }));

  same<Parameters<typeof load>, [id: number, ...more: string[]]>();
  same<ReturnType<typeof load>, Promise<User>>();
  assert.deepEqual(await load(1, "a", "b"), { id: 1 });
});

test("types: a wrapped function rejects wrong arguments", () => {
  const load = policy((id: number) => id);

  // @ts-expect-error: an id is a number
  void load("1");
  // @ts-expect-error: an id is needed
  void load();
});

test("types: a wrapped synchronous function returns a promise", async () => {
  const load = policy((text: string) => text.length);

  same<ReturnType<typeof load>, Promise<number>>();
  assert.equal(await load("four"), 4);
});

test("types: a wrapped method keeps `this`", async () => {
  class Account {
    readonly balance = 5;
    read(): number {
      return this.balance;
    }
  }
  const read = policy(Account.prototype.read);

  assert.equal(await read.call(new Account()), 5);
});

test("types: a condition about results limits the tasks of the policy", async () => {
  const found = retry({ when: retryIfResult((user: User | null) => user === null), wait: waitNone });

  same<typeof found, RetryPolicy<User | null>>();
  const user = found.execute(async (): Promise<User | null> => ({ id: 1 }));
  same<typeof user, Promise<User | null>>();
  // @ts-expect-error: the condition cannot judge a string
  void found.execute(() => "text").catch(() => undefined);
  assert.deepEqual(await user, { id: 1 });
});

test("types: combined conditions accept the results that all of them accept", () => {
  const combined = retry({
    when: retryAny(
      retryIfError(TypeError),
      retryIfResult((value: number) => value < 0),
    ),
  });

  same<typeof combined, RetryPolicy<number>>();
});

test("types: a custom strategy needs no annotation", async () => {
  const received: number[] = [];
  const own = retry({
    wait: ({ number }, random) => number * random(),
    stop: ({ elapsed }, delay) => elapsed + delay > 10,
    when: ({ outcome }) => !outcome.ok,
    beforeSleep: ({ number }, delay) => void received.push(number, delay),
  });

  same<typeof own, RetryPolicy>();
  assert.equal(await own.execute(() => 1), 1);
});

test("types: attempts() yields AttemptRun", async () => {
  for await (const attempt of policy.attempts({ clock: fakeClock() })) {
    same<typeof attempt, AttemptRun>();
    const value = await attempt.run(async () => 5);
    same<typeof value, number | undefined>();
    assert.equal(value, 5);
  }
});

test("types: strategies for any value combine", () => {
  const wait = waitChain(waitFixed("1s"), waitExponential({ max: "10s" }));

  same<typeof wait, Wait>();
  same<ReturnType<typeof retry>, RetryPolicy>();
  assert.equal(stopAny(stopAfterAttempt(3), stopAfterDelay("30s")).length, 2);
});

test("types: a duration is a number or a string with a unit", () => {
  // @ts-expect-error: a string without a unit is no duration
  assert.throws(() => waitFixed("5"), RangeError);
  // @ts-expect-error: the options have other names
  void waitExponential({ initialDelay: 5 });
});
