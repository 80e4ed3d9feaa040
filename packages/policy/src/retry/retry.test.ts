import { seededRandom } from "../clock/random.ts";
import type { RetryBudget } from "../budget/retry-budget.ts";
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import fc from "fast-check";
import type { Clock } from "../clock/clock.ts";
import { RetryError, TryAgain } from "../core/errors.ts";
import type { PolicyEvent } from "../core/events.ts";
import type { Task } from "../core/policy.ts";
import { fakeClock } from "../testing/index.ts";
import type { RetryOptions } from "./options.ts";
import { retry } from "./retry.ts";
import { stopAfterAttempt, stopNever } from "./stop.ts";
import { waitFixed, waitIncrementing, waitNone } from "./wait.ts";
import { retryAll, retryAlways, retryIfError, retryIfResult, retryNever } from "./when.ts";

const refused = new Error("refused");

/** A task that fails the given number of times, and counts its calls. */
function failing(times: number, error: unknown = refused): Task<string> & { readonly calls: number } {
  let calls = 0;
  const task = async (): Promise<string> => {
    calls += 1;
    if (calls <= times) throw error;
    return "done";
  };
  return Object.defineProperty(task, "calls", { get: () => calls }) as typeof task & {
    readonly calls: number;
  };
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => assert.fail("expected a rejection"),
    (error: unknown) => error,
  );
}

test("retry returns the value of a successful task, async or not, after one call", async () => {
  assert.equal(await retry().execute(() => 1), 1);
  assert.equal(await retry().execute(async () => 2), 2);
  assert.equal(await retry().execute(() => undefined), undefined);
});

test("retry returns a real promise for a task that returns a thenable", async () => {
  // oxlint-disable-next-line unicorn/no-thenable
  const foreign = { then: (resolve: (value: number) => void) => resolve(3) } as PromiseLike<number>;

  const promise = retry().execute(() => foreign);

  assert.ok(promise instanceof Promise);
  assert.equal(await promise, 3);
});

test("retry rejects when a task throws synchronously", async () => {
  const promise = retry({ when: retryNever }).execute(() => {
    throw refused;
  });

  assert.equal(await failureOf(promise), refused);
});

test("retry waits between attempts and not after the last one", async () => {
  const clock = fakeClock();
  const task = failing(2);

  const value = await retry({ wait: waitIncrementing({ start: "1s", increment: "1s" }) }).execute(task, {
    clock,
  });

  assert.equal(value, "done");
  assert.equal(task.calls, 3);
  assert.deepEqual(clock.sleeps, [1_000, 2_000]);
});

test("retry without options gives up after three attempts, with waits below 1 s and 2 s", async () => {
  const clock = fakeClock();
  const task = failing(9);

  const error = await failureOf(retry({ reraise: false }).execute(task, { clock, random: seededRandom(1) }));

  assert.equal(task.calls, 3);
  assert.ok(error instanceof RetryError);
  assert.equal(error.cause, refused);
  assert.equal(error.reason, "stop");
  assert.equal(error.message, "Gave up after 3 attempts: refused");
  const [first = NaN, second = NaN, ...more] = clock.sleeps;
  assert.ok(first >= 0 && first < 1_000 && second >= 0 && second < 2_000);
  assert.deepEqual(more, []);
});

test("a RetryError has the number, outcome and times of every attempt", async () => {
  const clock = fakeClock({ start: 100 });
  const policy = retry({ wait: waitFixed("1s"), stop: stopAfterAttempt(2), reraise: false });

  const error = await failureOf(
    policy.execute(
      async () => {
        await clock.sleep(50);
        throw refused;
      },
      { clock },
    ),
  );

  assert.ok(error instanceof RetryError);
  const outcome = { ok: false, error: refused };
  assert.deepEqual(error.attempts, [
    { number: 1, outcome, startedAt: 100, endedAt: 150, elapsed: 50, waited: 0, idleFor: 0 },
    { number: 2, outcome, startedAt: 1_150, endedAt: 1_200, elapsed: 1_100, waited: 1_000, idleFor: 1_000 },
  ]);
  assert.equal(error.last, error.attempts[1]);
});

test("the task receives its attempt number and the values of the context", async () => {
  const clock = fakeClock();
  const { signal } = new AbortController();
  const received: unknown[] = [];

  await retry({ wait: waitNone }).execute(
    (scope) => {
      received.push([scope.attempt, scope.signal === signal, scope.clock === clock, scope.deadline]);
      if (scope.attempt < 3) throw refused;
    },
    { clock, signal, deadline: 9 },
  );

  assert.deepEqual(
    received,
    [1, 2, 3].map((number) => [number, true, true, 9]),
  );
});

function recorder(): {
  readonly calls: unknown[];
  readonly options: RetryOptions;
  readonly on: (event: PolicyEvent) => void;
} {
  const calls: unknown[] = [];
  const options: RetryOptions = {
    before: (number) => void calls.push(["before", number]),
    after: ({ number }) => void calls.push(["after", number]),
    beforeSleep: ({ number }, delay) => void calls.push(["beforeSleep", number, delay]),
    retryErrorCallback: ({ number }, reason) => {
      calls.push(["retryErrorCallback", number, reason]);
      return "fallback";
    },
    on: (event) => void calls.push([event.type, "policy"]),
  };
  return { calls, options, on: (event) => void calls.push([event.type, "caller"]) };
}

test("retry calls callbacks in tenacity's order, and the policy's listener before the caller's", async () => {
  const { calls, options, on } = recorder();
  const clock = fakeClock();

  const value = await retry({ ...options, wait: waitFixed(5), stop: stopAfterAttempt(2) }).execute(
    () => {
      calls.push(["task"]);
      throw refused;
    },
    { clock, on },
  );

  assert.equal(value, "fallback");
  assert.deepEqual(calls, [
    ["before", 1],
    ["task"],
    ["attempt", "policy"],
    ["attempt", "caller"],
    ["after", 1],
    ["beforeSleep", 1, 5],
    ["retry", "policy"],
    ["retry", "caller"],
    ["before", 2],
    ["task"],
    ["attempt", "policy"],
    ["attempt", "caller"],
    ["after", 2],
    ["give-up", "policy"],
    ["give-up", "caller"],
    ["retryErrorCallback", 2, "stop"],
  ]);
});

test("retry emits a single attempt event for a call that succeeds immediately", async () => {
  const { calls, options } = recorder();

  await retry(options).execute(() => "fine");

  assert.deepEqual(calls, [
    ["before", 1],
    ["attempt", "policy"],
  ]);
});

test("retry awaits callbacks that return a promise", async () => {
  const clock = fakeClock();
  const calls: string[] = [];
  const slowly = (name: string) => async () => {
    await clock.sleep(1);
    calls.push(name);
  };

  await retry({
    wait: waitNone,
    before: slowly("before"),
    after: slowly("after"),
    beforeSleep: slowly("beforeSleep"),
  }).execute(
    ({ attempt }) => {
      calls.push("task");
      if (attempt === 1) throw refused;
    },
    { clock },
  );

  assert.deepEqual(calls, ["before", "task", "after", "beforeSleep", "before", "task"]);
});

const broken = new Error("callback");
const fail = (): never => {
  throw broken;
};

const throwing: Readonly<Record<string, RetryOptions>> = {
  before: { before: fail },
  after: { after: fail },
  beforeSleep: { beforeSleep: fail },
  on: { on: fail },
  when: { when: fail },
  wait: { wait: fail },
  stop: { stop: fail },
  retryErrorCallback: { stop: stopAfterAttempt(1), retryErrorCallback: fail },
};

for (const [name, options] of Object.entries(throwing)) {
  test(`an error that ${name} throws ends the call`, async () => {
    const task = failing(9);

    const error = await failureOf(retry({ wait: waitNone, ...options }).execute(task));

    assert.equal(error, broken);
    assert.ok(task.calls <= 1);
  });
}

test("retry applies conditions to results and gives up with the last refused result", async () => {
  const policy = retry({ when: retryIfResult((value) => value === "pending"), wait: waitNone });

  const error = await failureOf(policy.execute(async () => "pending"));

  assert.ok(error instanceof RetryError);
  assert.equal(error.cause, undefined);
  assert.deepEqual(error.last?.outcome, { ok: true, value: "pending" });
  assert.match(error.message, /^Gave up after 3 attempts: the result was refused$/);
});

test("retry returns a value that its condition accepts after a retry", async () => {
  let calls = 0;
  const policy = retry({ when: retryIfResult((value) => Number(value) < 3), wait: waitNone });

  assert.equal(await policy.execute(() => (calls += 1)), 3);
});

test("retry immediately rethrows an error that the condition does not match", async () => {
  const task = failing(9);

  const error = await failureOf(retry({ when: retryIfError(TypeError) }).execute(task));

  assert.equal(error, refused);
  assert.equal(task.calls, 1);
});

test("retry repeats a task that throws TryAgain regardless of the condition", async () => {
  const task = failing(1, new TryAgain());

  assert.equal(await retry({ when: retryNever, wait: waitNone }).execute(task), "done");
  assert.equal(task.calls, 2);
});

const cause = new Error("cause");
const again = new TryAgain("again");
const againBecause = new TryAgain("again", { cause });

for (const [name, error, expected] of [
  ["an error", refused, refused],
  ["TryAgain", again, again],
  ["TryAgain with a cause", againBecause, cause],
] as const) {
  test(`retry throws ${name} unchanged, and with reraise: false a RetryError`, async () => {
    assert.equal(await failureOf(retry({ wait: waitNone }).execute(failing(9, error))), expected);

    const wrapped = await failureOf(retry({ wait: waitNone, reraise: false }).execute(failing(9, error)));
    assert.ok(wrapped instanceof RetryError && wrapped.cause === error);
  });
}

test("retry throws a RetryError for a refused result", async () => {
  const policy = retry({ when: retryAlways, wait: waitNone });

  assert.ok((await failureOf(policy.execute(() => 1))) instanceof RetryError);
});

test("retry with enabled: false calls the task once and no callback", async () => {
  const { calls, options } = recorder();
  const task = failing(9);

  const error = await failureOf(retry({ ...options, enabled: false }).execute(task));

  assert.equal(error, refused);
  assert.equal(task.calls, 1);
  assert.deepEqual(calls, []);
});

test("retry does not start a wait that would end at the deadline or later", async () => {
  const clock = fakeClock();
  const policy = retry({ wait: waitFixed(100), stop: stopNever, reraise: false });

  const error = await failureOf(policy.execute(failing(99), { clock, deadline: 300 }));

  assert.ok(error instanceof RetryError);
  assert.equal(error.reason, "deadline");
  assert.equal(error.cause, refused);
  assert.deepEqual(clock.sleeps, [100, 100]);
  assert.equal(clock.now(), 200);
});

function purse(retries: number): RetryBudget & { readonly deposits: number } {
  let left = retries;
  let deposits = 0;
  return {
    deposit: () => void (deposits += 1),
    withdraw: () => (left -= 1) >= 0,
    get deposits() {
      return deposits;
    },
  };
}

test("retry gives up when the budget is empty, and deposits once per call", async () => {
  const budget = purse(3);
  const policy = retry({ budget, wait: waitNone, stop: stopAfterAttempt(3), reraise: false });

  await failureOf(policy.execute(failing(9)));
  const error = await failureOf(policy.execute(failing(9)));

  assert.ok(error instanceof RetryError);
  assert.equal(error.reason, "budget");
  assert.equal(error.attempts.length, 2);
  assert.equal(budget.deposits, 2);
});

test("retry withdraws nothing from the budget when it stops or exceeds the deadline", async () => {
  let withdrawn = 0;
  const budget: RetryBudget = { deposit: () => undefined, withdraw: () => (withdrawn += 1) > 0 };

  await failureOf(retry({ budget, stop: stopAfterAttempt(1) }).execute(failing(9)));
  await failureOf(retry({ budget }).execute(failing(9), { deadline: 0 }));

  assert.equal(withdrawn, 0);
});

for (const [name, delay] of [
  ["NaN", NaN],
  ["negative", -5],
] as const) {
  test(`a custom wait of ${name} is no wait`, async () => {
    const clock = fakeClock();
    const delays: number[] = [];

    await retry({ wait: () => delay, beforeSleep: (_attempt, ms) => void delays.push(ms) }).execute(
      failing(2),
      { clock },
    );

    assert.deepEqual(delays, [0, 0]);
    assert.deepEqual(clock.sleeps, []);
  });
}

test("retry without waits lets timers and sockets run", async () => {
  const clock = fakeClock();

  await retry({ wait: waitNone, stop: stopAfterAttempt(200) }).execute(failing(150), { clock });

  assert.deepEqual(clock.sleeps, [0, 0]);
});

test("retry throws the reason of an aborted signal before it calls the task", async () => {
  const reason = { why: "closing" };
  const { calls, options } = recorder();
  const task = failing(0);

  const error = await failureOf(retry(options).execute(task, { signal: AbortSignal.abort(reason) }));

  assert.equal(error, reason);
  assert.equal(task.calls, 0);
  assert.deepEqual(calls, []);
});

test("retry does not repeat a task that fails after an abort, and throws the reason unchanged", async () => {
  const controller = new AbortController();
  const reason = new Error("closing");
  const events: PolicyEvent[] = [];
  let calls = 0;

  const error = await failureOf(
    retry({ when: retryAlways, on: (event) => void events.push(event) }).execute(
      async ({ signal }) => {
        calls += 1;
        await new Promise((_resolve, reject) => {
          signal?.addEventListener("abort", () => reject(new Error("the task's own words")));
          controller.abort(reason);
        });
      },
      { signal: controller.signal },
    ),
  );

  assert.equal(error, reason);
  assert.equal(calls, 1);
  assert.deepEqual(
    events.map((event) => [event.type, "again" in event && event.again]),
    [["attempt", false]],
  );
});

test("retry returns the value of a task that succeeds in spite of an abort", async () => {
  const controller = new AbortController();

  const value = await retry().execute(
    () => {
      controller.abort();
      return "done";
    },
    { signal: controller.signal },
  );

  assert.equal(value, "done");
});

test("an abort during a wait throws its reason immediately, without another call, and leaves no listener", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const controller = new AbortController();
  const reason = new Error("closing");
  const task = failing(9);
  const promise = retry({ wait: waitFixed("1h") }).execute(task, { clock, signal: controller.signal });
  const ended = failureOf(promise);
  await clock.advance(0);
  assert.equal(clock.sleeping, 1);

  controller.abort(reason);

  assert.equal(await ended, reason);
  assert.equal(task.calls, 1);
  assert.equal(clock.sleeping, 0);
  assert.equal(getEventListeners(controller.signal, "abort").length, 0);
});

test("retry leaves no listener on the signal of a successful call", async () => {
  const { signal } = new AbortController();

  await retry({ wait: waitFixed(5) }).execute(failing(2), { clock: fakeClock(), signal });

  assert.equal(getEventListeners(signal, "abort").length, 0);
});

for (const during of ["after", "beforeSleep"] as const) {
  test(`an abort in ${during} starts no further attempt, with and without a wait`, async () => {
    for (const wait of [waitNone, waitFixed("1h")]) {
      const controller = new AbortController();
      const task = failing(9);
      const policy = retry({ wait, [during]: () => controller.abort(broken) });

      const error = await failureOf(policy.execute(task, { clock: fakeClock(), signal: controller.signal }));

      assert.equal(error, broken);
      assert.equal(task.calls, 1);
    }
  });
}

test("simultaneous calls of one retry policy are independent", async () => {
  const clock = fakeClock();
  const policy = retry({ wait: waitIncrementing({ start: 10, increment: 10 }), stop: stopAfterAttempt(5) });
  const tasks = [0, 1, 2, 3, 4].map((times) => failing(times));

  await Promise.all(tasks.map((task) => policy.execute(task, { clock })));

  assert.deepEqual(
    tasks.map((task) => task.calls),
    [1, 2, 3, 4, 5],
  );
  assert.deepEqual(
    clock.sleeps.toSorted((a, b) => a - b),
    [10, 10, 10, 10, 20, 20, 20, 30, 30, 40],
  );
  assert.equal(clock.now(), 100);
});

test("retry makes as many attempts as needed or allowed, with one wait fewer", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(20),
      fc.integer({ min: 1, max: 20 }),
      fc.nat(1_000),
      async (failures, allowed, delay) => {
        let slept = 0;
        let naps = 0;
        const clock: Clock = {
          now: () => slept,
          date: () => slept,
          sleep: async (ms) => void ((slept += ms), (naps += 1)),
        };
        const task = failing(failures);
        const policy = retry({ wait: waitFixed(delay), stop: stopAfterAttempt(allowed), reraise: false });

        const ended = await policy.execute(task, { clock }).catch((error: unknown) => error);

        const attempts = Math.min(failures + 1, allowed);
        assert.equal(task.calls, attempts);
        assert.equal(ended instanceof RetryError, failures >= allowed);
        assert.equal(slept, (attempts - 1) * delay);
        assert.equal(naps, delay === 0 ? 0 : attempts - 1);
      },
    ),
  );
});

test("the fast path and the retry loop have the same outcome", async () => {
  const outcomes = [() => "fine", async () => "fine", fail, async () => fail()];
  for (const task of outcomes) {
    const quick = retry({ wait: waitNone });
    const watched = quick.with({ on: () => undefined });
    const withLoop = quick.with({ when: retryAll(retryAlways, retryIfError()) });

    const [first, ...others] = await Promise.allSettled(
      [quick, watched, withLoop].map((policy) => policy.execute(task)),
    );

    for (const other of others) {
      assert.equal(other.status, first?.status);
      if (first?.status === "rejected") assert.equal(String(Object(other)["reason"]), String(first.reason));
    }
  }
});

test("with() changes the given settings and keeps the others", async () => {
  const policy = retry({ name: "first", wait: waitNone, stop: stopAfterAttempt(2), reraise: false });

  const changed = policy.with({ name: "second" });

  assert.deepEqual(changed.explain(), { ...policy.explain(), policy: "second" });
  assert.equal(policy.rule.name, "first");
  assert.equal(((await failureOf(changed.execute(failing(9)))) as RetryError).attempts.length, 2);
});

test("explain() returns the settings of a retry", () => {
  assert.deepEqual(retry().explain(), {
    policy: "retry",
    when: "retryIfError()",
    wait: "fullJitter(waitExponential(1s · 2^(n-1), 0ms..30s))",
    stop: "stopAfterAttempt(3)",
    reraise: true,
    enabled: true,
  });
});

test("retry keeps the latest hundred attempts of a long call and numbers all of them", async () => {
  const clock = fakeClock();

  const failure = await failureOf(
    retry({ stop: stopAfterAttempt(250), wait: waitFixed("1s"), reraise: false }).execute(failing(Infinity), {
      clock,
    }),
  );

  assert.ok(failure instanceof RetryError);
  assert.equal(failure.attempts.length, 100);
  assert.equal(failure.attempts[0]?.number, 151);
  assert.equal(failure.last?.number, 250);
});

test("an undefined option has its default", async () => {
  const policy = retry({ wait: undefined, when: undefined } as object);

  assert.deepEqual(policy.explain(), retry().explain());
});

class Refused extends Error {}

const wrongUses: readonly (readonly [use: () => unknown, message: string])[] = [
  [
    () => retry((() => 1) as never),
    "retry takes options, got a function: write retry().execute(fn) to call it",
  ],
  [() => retry(5 as never), "retry takes { when, wait, stop, "],
  [() => retry(null as never), "retry takes { when, wait, stop, "],
  [() => retry([] as never), "retry takes { when, wait, stop, "],
  [() => retry()(5 as never), "retry()(fn) takes a function, got 5"],
  [
    () => retry()(Promise.resolve(1) as never),
    "retry()(fn) takes a function, got an object: pass the function, and not its result",
  ],
  [
    () => retry({ retries: 5 } as never),
    'retry has no option "retries": did you mean stop, such as stopAfterAttempt(5)?',
  ],
  [
    () => retry({ wait: "1s" } as never),
    'retry.wait must be a function, such as waitFixed("1s"), got a string',
  ],
  [() => retry({ stop: 5 } as never), "retry.stop must be a function, such as stopAfterAttempt(5), got 5"],
  [
    () => retry({ when: Refused } as never),
    "retry.when must be a condition such as retryIfError(Refused), got a class",
  ],
];

for (const [use, message] of wrongUses) {
  test(`a wrong use of retry is a TypeError: ${message}`, () => {
    assert.throws(use, (error) => error instanceof TypeError && error.message.startsWith(message));
  });
}

// The options of p-retry, async-retry, exponential-backoff and cockatiel.
for (const name of [
  ..."retries forever unref maxRetryTime minTimeout maxTimeout factor randomize".split(" "),
  ..."onFailedAttempt shouldRetry shouldConsumeRetry onRetry numOfAttempts maxAttempts maxRetries".split(" "),
  ..."startingDelay timeMultiple maxDelay delayFirstAttempt jitter delay backoff signal".split(" "),
]) {
  test(`the option ${name} of another library gets an error that names ours`, () => {
    assert.throws(
      () => retry({ [name]: 1 }),
      (error) => error instanceof TypeError && error.message.includes("did you mean"),
    );
  });
}

test("a condition that throws does not hide the error that it judged", async () => {
  const broken = (): never => {
    throw new TypeError("Cannot read properties of undefined");
  };

  for (const when of [broken, async () => broken()]) {
    const error = await failureOf(retry({ when }).execute(failing(9)));

    assert.ok(error instanceof TypeError && error.cause === refused);
  }
});
