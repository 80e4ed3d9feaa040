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

test("gives the value of a task that succeeds, promised or not, after one call", async () => {
  assert.equal(await retry().execute(() => 1), 1);
  assert.equal(await retry().execute(async () => 2), 2);
  assert.equal(await retry().execute(() => undefined), undefined);
});

test("gives a real promise even for a task that returns a foreign one", async () => {
  // oxlint-disable-next-line unicorn/no-thenable
  const foreign = { then: (resolve: (value: number) => void) => resolve(3) } as PromiseLike<number>;

  const promise = retry().execute(() => foreign);

  assert.ok(promise instanceof Promise);
  assert.equal(await promise, 3);
});

test("never throws in place of rejecting", async () => {
  const promise = retry({ when: retryNever }).execute(() => {
    throw refused;
  });

  assert.equal(await failureOf(promise), refused);
});

test("waits between attempts, and never after the last one", async () => {
  const clock = fakeClock();
  const task = failing(2);

  const value = await retry({ wait: waitIncrementing({ start: "1s", increment: "1s" }) }).execute(task, {
    clock,
  });

  assert.equal(value, "done");
  assert.equal(task.calls, 3);
  assert.deepEqual(clock.sleeps, [1_000, 2_000]);
});

test("gives up after three attempts when it is told nothing, with jittered waits below 1 s and 2 s", async () => {
  const clock = fakeClock();
  const task = failing(9);

  const error = await failureOf(retry().execute(task, { clock, random: seededRandom(1) }));

  assert.equal(task.calls, 3);
  assert.ok(error instanceof RetryError);
  assert.equal(error.cause, refused);
  assert.equal(error.reason, "stop");
  assert.equal(error.message, "Gave up after 3 attempts: refused");
  const [first = NaN, second = NaN, ...more] = clock.sleeps;
  assert.ok(first >= 0 && first < 1_000 && second >= 0 && second < 2_000);
  assert.deepEqual(more, []);
});

test("the error it gives up with has every attempt: number, outcome and times", async () => {
  const clock = fakeClock({ start: 100 });
  const policy = retry({ wait: waitFixed("1s"), stop: stopAfterAttempt(2) });

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

test("tells the task the number of its attempt, and what else the context says", async () => {
  const clock = fakeClock();
  const { signal } = new AbortController();
  const told: unknown[] = [];

  await retry({ wait: waitNone }).execute(
    (scope) => {
      told.push([scope.attempt, scope.signal === signal, scope.clock === clock, scope.deadline]);
      if (scope.attempt < 3) throw refused;
    },
    { clock, signal, deadline: 9 },
  );

  assert.deepEqual(
    told,
    [1, 2, 3].map((number) => [number, true, true, 9]),
  );
});

function recorder(): {
  readonly seen: unknown[];
  readonly options: RetryOptions;
  readonly on: (event: PolicyEvent) => void;
} {
  const seen: unknown[] = [];
  const options: RetryOptions = {
    before: (number) => void seen.push(["before", number]),
    after: ({ number }) => void seen.push(["after", number]),
    beforeSleep: ({ number }, delay) => void seen.push(["beforeSleep", number, delay]),
    retryErrorCallback: ({ number }, reason) => {
      seen.push(["retryErrorCallback", number, reason]);
      return "fallback";
    },
    on: (event) => void seen.push([event.type, "policy"]),
  };
  return { seen, options, on: (event) => void seen.push([event.type, "caller"]) };
}

test("calls back and reports in tenacity's order, the policy's listener before the caller's", async () => {
  const { seen, options, on } = recorder();
  const clock = fakeClock();

  const value = await retry({ ...options, wait: waitFixed(5), stop: stopAfterAttempt(2) }).execute(
    () => {
      seen.push(["task"]);
      throw refused;
    },
    { clock, on },
  );

  assert.equal(value, "fallback");
  assert.deepEqual(seen, [
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

test("reports one attempt and nothing else of a call that succeeds at once", async () => {
  const { seen, options } = recorder();

  await retry(options).execute(() => "fine");

  assert.deepEqual(seen, [
    ["before", 1],
    ["attempt", "policy"],
  ]);
});

test("waits for callbacks that promise", async () => {
  const clock = fakeClock();
  const seen: string[] = [];
  const slowly = (name: string) => async () => {
    await clock.sleep(1);
    seen.push(name);
  };

  await retry({
    wait: waitNone,
    before: slowly("before"),
    after: slowly("after"),
    beforeSleep: slowly("beforeSleep"),
  }).execute(
    ({ attempt }) => {
      seen.push("task");
      if (attempt === 1) throw refused;
    },
    { clock },
  );

  assert.deepEqual(seen, ["before", "task", "after", "beforeSleep", "before", "task"]);
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
  test(`what ${name} throws ends the call`, async () => {
    const task = failing(9);

    const error = await failureOf(retry({ wait: waitNone, ...options }).execute(task));

    assert.equal(error, broken);
    assert.ok(task.calls <= 1);
  });
}

test("asks conditions about results, and gives up with the one that was refused last", async () => {
  const policy = retry({ when: retryIfResult((value) => value === "pending"), wait: waitNone });

  const error = await failureOf(policy.execute(async () => "pending"));

  assert.ok(error instanceof RetryError);
  assert.equal(error.cause, undefined);
  assert.deepEqual(error.last?.outcome, { ok: true, value: "pending" });
  assert.match(error.message, /^Gave up after 3 attempts: the result was refused$/);
});

test("gives a value that its condition accepts only later", async () => {
  let calls = 0;
  const policy = retry({ when: retryIfResult((value) => Number(value) < 3), wait: waitNone });

  assert.equal(await policy.execute(() => (calls += 1)), 3);
});

test("throws at once, and as it was, what the condition does not pick", async () => {
  const task = failing(9);

  const error = await failureOf(retry({ when: retryIfError(TypeError) }).execute(task));

  assert.equal(error, refused);
  assert.equal(task.calls, 1);
});

test("calls a task again that asks for it, whatever the condition says", async () => {
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
  test(`throws ${name} as it was when told to reraise`, async () => {
    assert.equal(
      await failureOf(retry({ reraise: true, wait: waitNone }).execute(failing(9, error))),
      expected,
    );
  });
}

test("a refused result is a RetryError even when told to reraise", async () => {
  const policy = retry({ when: retryAlways, reraise: true, wait: waitNone });

  assert.ok((await failureOf(policy.execute(() => 1))) instanceof RetryError);
});

test("calls once and calls nobody back when it is not enabled", async () => {
  const { seen, options } = recorder();
  const task = failing(9);

  const error = await failureOf(retry({ ...options, enabled: false }).execute(task));

  assert.equal(error, refused);
  assert.equal(task.calls, 1);
  assert.deepEqual(seen, []);
});

test("does not begin a wait that ends at the deadline or later", async () => {
  const clock = fakeClock();
  const policy = retry({ wait: waitFixed(100), stop: stopNever });

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

test("gives up when the budget has no retry left, and pays for each call once", async () => {
  const budget = purse(3);
  const policy = retry({ budget, wait: waitNone, stop: stopAfterAttempt(3) });

  await failureOf(policy.execute(failing(9)));
  const error = await failureOf(policy.execute(failing(9)));

  assert.ok(error instanceof RetryError);
  assert.equal(error.reason, "budget");
  assert.equal(error.attempts.length, 2);
  assert.equal(budget.deposits, 2);
});

test("takes nothing from the budget for a retry that is not made", async () => {
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
  test(`a wait of a user's own that is ${name} is no wait`, async () => {
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

test("a task that fails again and again without a wait lets others have their turn", async () => {
  const clock = fakeClock();

  await retry({ wait: waitNone, stop: stopAfterAttempt(200) }).execute(failing(150), { clock });

  assert.deepEqual(clock.sleeps, [0, 0]);
});

test("an aborted signal throws its reason before anything is called", async () => {
  const reason = { why: "closing" };
  const { seen, options } = recorder();
  const task = failing(0);

  const error = await failureOf(retry(options).execute(task, { signal: AbortSignal.abort(reason) }));

  assert.equal(error, reason);
  assert.equal(task.calls, 0);
  assert.deepEqual(seen, []);
});

test("a task that fails because of the abort is not repeated: the reason is thrown as it is, and the attempt reported", async () => {
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

test("a task that succeeds in spite of the abort gives its value", async () => {
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

test("an abort during a wait throws its reason at once, without another call, and leaves no listener", async () => {
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

test("leaves no listener on the signal of a call that ended well", async () => {
  const { signal } = new AbortController();

  await retry({ wait: waitFixed(5) }).execute(failing(2), { clock: fakeClock(), signal });

  assert.equal(getEventListeners(signal, "abort").length, 0);
});

for (const during of ["after", "beforeSleep"] as const) {
  test(`an abort in ${during} begins no further attempt, waiting or not`, async () => {
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

test("calls of one policy at the same time do not mix", async () => {
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

test("makes as many attempts as are needed or allowed, and waits one time less", async () => {
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
        const policy = retry({ wait: waitFixed(delay), stop: stopAfterAttempt(allowed) });

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

test("the quick way and the whole loop come to the same", async () => {
  const outcomes = [() => "fine", async () => "fine", fail, async () => fail()];
  for (const task of outcomes) {
    const quick = retry({ wait: waitNone });
    const watched = quick.with({ on: () => undefined });
    const asked = quick.with({ when: retryAll(retryAlways, retryIfError()) });

    const [first, ...others] = await Promise.allSettled(
      [quick, watched, asked].map((policy) => policy.execute(task)),
    );

    for (const other of others) {
      assert.equal(other.status, first?.status);
      if (first?.status === "rejected") assert.equal(String(Object(other)["reason"]), String(first.reason));
    }
  }
});

test("keeps its settings when some are changed", async () => {
  const policy = retry({ name: "first", wait: waitNone, stop: stopAfterAttempt(2) });

  const changed = policy.with({ name: "second" });

  assert.deepEqual(changed.explain(), { ...policy.explain(), policy: "second" });
  assert.equal(policy.rule.name, "first");
  assert.equal(((await failureOf(changed.execute(failing(9)))) as RetryError).attempts.length, 2);
});

test("explains itself", () => {
  assert.deepEqual(retry().explain(), {
    policy: "retry",
    when: "retryIfError()",
    wait: "fullJitter(waitExponential(1s · 2^(n-1), 0ms..30s))",
    stop: "stopAfterAttempt(3)",
    reraise: false,
    enabled: true,
  });
});

test("keeps the latest hundred attempts of a call that goes on and on, and numbers them all", async () => {
  const clock = fakeClock();

  const failure = await failureOf(
    retry({ stop: stopAfterAttempt(250), wait: waitFixed("1s") }).execute(failing(Infinity), { clock }),
  );

  assert.ok(failure instanceof RetryError);
  assert.equal(failure.attempts.length, 100);
  assert.equal(failure.attempts[0]?.number, 151);
  assert.equal(failure.last?.number, 250);
});
