import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { compose } from "../compose/compose.ts";
import type { Scope } from "../core/context.ts";
import { DeadlineExceededError, RetryError } from "../core/errors.ts";
import type { PolicyEvent } from "../core/events.ts";
import { retry } from "../retry/retry.ts";
import { stopAfterAttempt } from "../retry/stop.ts";
import { waitFixed, waitNone } from "../retry/wait.ts";
import { fakeClock } from "../clock/fake-clock.ts";
import { latestCause } from "./failure-tracker.ts";
import { timeout } from "./timeout.ts";

const never = (): Promise<never> => new Promise(() => undefined);

test("timeout returns the value of a task that ends in time, and leaves no timer", async () => {
  const clock = fakeClock();

  const value = await timeout("1s").execute(async ({ clock }) => (await clock.sleep(999), "done"), { clock });

  assert.equal(value, "done");
  assert.equal(clock.sleeping, 0);
});

test("timeout rethrows an error that a task throws synchronously, and leaves no timer", async () => {
  const clock = fakeClock();
  const error = new Error("at once");

  const ended = timeout("1s").execute(
    () => {
      throw error;
    },
    { clock },
  );

  await assert.rejects(ended, error);
  assert.equal(clock.sleeping, 0);
});

test("timeout rejects at the limit when the task ignores its signal", async () => {
  const clock = fakeClock();
  const events: PolicyEvent[] = [];

  const ended = timeout("1s").execute(never, { clock, on: (event) => events.push(event) });

  await assert.rejects(ended, (error) => error instanceof DeadlineExceededError && error.limit === 1_000);
  assert.equal(clock.now(), 1_000);
  assert.deepEqual(
    events.map(({ type }) => type),
    ["timed-out"],
  );
});

test("timeout aborts the task's signal with the error of the call", async () => {
  const clock = fakeClock();
  let reason: unknown;

  const ended = timeout("1s").execute(
    ({ signal }) => {
      signal?.addEventListener("abort", () => (reason = signal.reason));
      return never();
    },
    { clock },
  );

  const error = await ended.catch((reason: unknown) => reason);
  assert.ok(error instanceof DeadlineExceededError);
  assert.equal(reason, error);
});

test("timeout keeps its error when the task rejects with another one after the abort", async () => {
  const clock = fakeClock();

  const ended = timeout("1s").execute(
    ({ signal }) =>
      new Promise((_, reject) => signal?.addEventListener("abort", () => reject(new Error("other")))),
    { clock },
  );

  await assert.rejects(ended, DeadlineExceededError);
});

test("timeout immediately throws the caller's abort reason, and leaves no listener on the signal", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const caller = new AbortController();
  let reason: unknown;

  const ended = timeout("1s").execute(
    ({ signal }) => {
      signal?.addEventListener("abort", () => (reason = signal.reason));
      return never();
    },
    { clock, signal: caller.signal },
  );
  caller.abort("enough");

  assert.equal(await ended.catch((reason: unknown) => reason), "enough");
  assert.equal(reason, "enough");
  assert.equal(getEventListeners(caller.signal, "abort").length, 0);
  assert.equal(clock.sleeping, 0);
});

test("timeout does not start a call whose signal is already aborted", async () => {
  let calls = 0;

  const ended = timeout("1s").execute(() => (calls += 1), { signal: AbortSignal.abort("enough") });

  assert.equal(await ended.catch((reason: unknown) => reason), "enough");
  assert.equal(calls, 0);
});

test("timeout leaves no listener on a shared signal", async () => {
  const clock = fakeClock();
  const { signal } = new AbortController();
  const policy = compose(timeout("1s"), retry({ wait: waitFixed("1ms") }), timeout("10ms"));
  const task = async ({ attempt, signal }: Scope): Promise<string> => {
    signal?.throwIfAborted();
    if (attempt === 1) throw new Error("once");
    return "done";
  };

  await Promise.all(Array.from({ length: 20 }, () => policy.execute(task, { clock, signal })));

  assert.equal(getEventListeners(signal, "abort").length, 0);
  assert.equal(clock.sleeping, 0);
});

test("timeout passes the earlier of its own and the outer deadline to the task", async () => {
  const clock = fakeClock({ start: 100 });
  const deadlineOf = ({ deadline }: Scope): number => deadline;

  const own = await timeout("1s").execute(deadlineOf, { clock });
  const outer = await compose(timeout("1s"), timeout("2s")).execute(deadlineOf, { clock });

  assert.equal(own, 1_100);
  assert.equal(outer, 1_100);
});

test("a timeout around a retry prevents a wait that would exceed the limit", async () => {
  const clock = fakeClock();
  const policy = compose(
    timeout("5s"),
    retry({ wait: waitFixed("3s"), stop: stopAfterAttempt(9), reraise: false }),
  );

  const error = await policy
    .execute(() => Promise.reject(new Error("down")), { clock })
    .catch((reason: unknown) => reason);

  assert.ok(error instanceof RetryError && error.reason === "deadline");
  assert.deepEqual(clock.sleeps, [3_000]);
  assert.equal(clock.now(), 3_000);
});

test("a timeout around a retry has the latest failure as its cause", async () => {
  const clock = fakeClock();
  const down = new Error("down");
  const policy = compose(timeout("5s"), retry({ wait: waitNone }));

  const error = await policy
    .execute(({ attempt }) => (attempt === 1 ? Promise.reject(down) : never()), { clock })
    .catch((reason: unknown) => reason);

  assert.ok(error instanceof DeadlineExceededError);
  assert.equal(error.cause, down);
});

test("a timeout inside a retry starts again for each attempt", async () => {
  const clock = fakeClock();
  const signals: (AbortSignal | undefined)[] = [];
  const policy = compose(retry({ wait: waitFixed("1s") }), timeout("2s"));

  const value = await policy.execute(
    ({ attempt, signal, deadline }) => {
      signals.push(signal);
      return attempt < 3 ? never() : deadline;
    },
    { clock },
  );

  assert.deepEqual(clock.sleeps, [1_000, 1_000]);
  assert.equal(value, 2_000 + 1_000 + 2_000 + 1_000 + 2_000);
  assert.equal(new Set(signals).size, 3);
  assert.deepEqual(
    signals.map((signal) => signal?.aborted),
    [true, true, false],
  );
});

test("timeout builds no AbortController for a task that does not read its signal", async (t) => {
  const clock = fakeClock();
  const built = t.mock.method(globalThis, "AbortController");

  await timeout("1s").execute(() => "done", { clock });
  const unread = built.mock.callCount();
  await timeout("1s").execute(({ signal }) => signal?.aborted, { clock });

  assert.equal(unread, 0);
  assert.equal(built.mock.callCount(), 1);
});

test("timeout works with a clock without timers", async () => {
  const { now, date, sleep } = fakeClock();

  const ended = timeout("1s").execute(never, { clock: { now, date, sleep } });

  await assert.rejects(ended, DeadlineExceededError);
});

test("an error of a listener replaces the error of a timeout", async () => {
  const clock = fakeClock();
  const thrown = new Error("listener");

  const ended = timeout("1s", {
    on: () => {
      throw thrown;
    },
  }).execute(never, { clock });

  await assert.rejects(ended, thrown);
});

test("timeout rejects a limit of 0", () => {
  assert.throws(() => timeout(0), RangeError);
  assert.throws(() => timeout(-1), RangeError);
});

const first = new Error("first");
const latest = new Error("latest");
const times = { number: 1, startedAt: 0, endedAt: 0, elapsed: 0, waited: 0, idleFor: 0 };
const causes: readonly (readonly [string, PolicyEvent, ErrorOptions])[] = [
  [
    "a failed attempt",
    {
      type: "attempt",
      policy: "retry",
      again: true,
      attempt: { ...times, outcome: { ok: false, error: latest } },
    },
    { cause: latest },
  ],
  [
    "a refused result, which is no failure,",
    { type: "attempt", policy: "retry", again: true, attempt: { ...times, outcome: { ok: true, value: 1 } } },
    { cause: first },
  ],
  ["a failed try", { type: "try-failed", policy: "hedge", number: 1, error: latest }, { cause: latest }],
  ["anything else", { type: "closed", policy: "breaker" }, { cause: first }],
];

for (const [name, event, expected] of causes) {
  test(`the cause of a timeout after ${name} is ${expected.cause === latest ? "its error" : "the earlier failure"}`, () => {
    assert.deepEqual(latestCause({ cause: first }, event), expected);
  });
}
