import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { retryBudget } from "../budget/retry-budget.ts";
import type { Scope } from "../core/context.ts";
import type { PolicyEvent } from "../core/events.ts";
import { fakeClock } from "../clock/fake-clock.ts";
import { hedge } from "./hedge.ts";

/** A task whose tries take so long each, and end in a value or an error. */
function tries(...script: readonly (readonly [duration: number, end: string | Error])[]) {
  const signals: (AbortSignal | undefined)[] = [];
  const task = async ({ clock, signal }: Scope): Promise<string> => {
    const [duration, end] = script[signals.push(signal) - 1] ?? [0, new Error("one try too many")];
    await clock.sleep(duration, signal);
    if (end instanceof Error) throw end;
    return end;
  };
  return { task, signals };
}

test("a hedge does not start a second try of a fast call", async () => {
  const clock = fakeClock();
  const { task, signals } = tries([50, "first"]);

  const value = await hedge({ delay: 100 }).execute(task, { clock });

  assert.equal(value, "first");
  assert.equal(signals.length, 1);
  assert.equal(clock.sleeping, 0);
});

test("a hedge starts a second try of a slow call, returns the first success and aborts the other try", async () => {
  const clock = fakeClock();
  const events: PolicyEvent[] = [];
  const { task, signals } = tries([1_000, "first"], [50, "second"]);

  const value = await hedge({ delay: 100 }).execute(task, { clock, on: (event) => events.push(event) });

  assert.equal(value, "second");
  assert.equal(clock.now(), 150);
  assert.equal(clock.sleeping, 0);
  assert.deepEqual(events, [{ type: "hedged", policy: "hedge", number: 2 }]);
  assert.equal(signals[0]?.reason.name, "AbortError");
  assert.equal(signals[0]?.reason.message, "Another try was faster");
  assert.equal(signals[1]?.aborted, false);
});

test("a hedge starts up to maxHedges tries, one delay apart", async () => {
  const clock = fakeClock();
  const { task, signals } = tries([900, "first"], [900, "second"], [900, "third"]);

  const value = await hedge({ delay: 100, maxHedges: 2 }).execute(task, { clock });

  assert.equal(value, "first");
  assert.equal(signals.length, 3);
  assert.equal(clock.now(), 900);
});

test("a try that fails while another runs is reported and does not end the call", async () => {
  const clock = fakeClock();
  const events: PolicyEvent[] = [];
  const error = new Error("first failed");
  const { task } = tries([150, error], [200, "second"]);

  const value = await hedge({ delay: 100 }).execute(task, { clock, on: (event) => events.push(event) });

  assert.equal(value, "second");
  assert.deepEqual(events[1], { type: "try-failed", policy: "hedge", number: 1, error });
});

test("a hedge throws the first failure unchanged when all tries fail", async () => {
  const clock = fakeClock();
  const first = new Error("first to fail");
  const { task } = tries([500, new Error("later")], [100, first]);

  await assert.rejects(hedge({ delay: 100 }).execute(task, { clock }), (error) => error === first);

  assert.equal(clock.sleeping, 0);
});

test("a hedge rethrows a failure immediately when no other try runs", async () => {
  const clock = fakeClock();
  const error = new Error("at once");
  const { task, signals } = tries([10, error]);

  await assert.rejects(hedge({ delay: 100 }).execute(task, { clock }), (thrown) => thrown === error);

  assert.equal(signals.length, 1);
  assert.equal(clock.now(), 10);
  assert.equal(clock.sleeping, 0);
});

test("a hedge starts no try when the budget is empty", async () => {
  const clock = fakeClock();
  const budget = retryBudget({ minPerSecond: 0, ratio: 0.5, clock });
  const policy = hedge({ delay: 100, budget });
  const slow = () => tries([300, "first"], [0, "second"]);

  const values: string[] = [];
  for (let call = 0; call < 4; call += 1) values.push(await policy.execute(slow().task, { clock }));

  assert.deepEqual(values, ["first", "second", "first", "second"]);
});

test("a hedge learns its delay from recent calls", async () => {
  const clock = fakeClock();
  const policy = hedge({ quantile: 0.9, window: 20, minimumThroughput: 10 });
  for (let duration = 10; duration <= 100; duration += 10) {
    await policy.execute(tries([duration, "quick"]).task, { clock });
  }
  const { task } = tries([1_000, "first"], [5, "second"]);
  const begun = clock.now();

  const value = await policy.execute(task, { clock });

  assert.equal(value, "second");
  assert.equal(clock.now() - begun, 95);
});

test("an abort by the caller ends all tries of a hedge with its reason, and leaves no listener", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const caller = new AbortController();
  const { task, signals } = tries([1_000, "first"], [1_000, "second"]);
  const ended = hedge({ delay: 100 }).execute(task, { clock, signal: caller.signal });
  await clock.advance(100);

  caller.abort("enough");

  assert.equal(await ended.catch((reason: unknown) => reason), "enough");
  assert.deepEqual(
    signals.map((signal) => signal?.reason),
    ["enough", "enough"],
  );
  assert.equal(getEventListeners(caller.signal, "abort").length, 0);
  assert.equal(clock.sleeping, 0);
});

test("hedged calls leave no listener on a shared signal", async () => {
  const clock = fakeClock();
  const { signal } = new AbortController();
  const policy = hedge({ delay: 100 });

  for (const end of ["first", new Error("failed")]) {
    await policy.execute(tries([500, end], [900, "second"]).task, { clock, signal }).catch(() => undefined);
  }

  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("a listener that throws ends a hedged call", async () => {
  const clock = fakeClock();
  const thrown = new Error("listener");
  const { task } = tries([1_000, "first"], [50, "second"]);

  const ended = hedge({
    delay: 100,
    on: () => {
      throw thrown;
    },
  }).execute(task, { clock });

  await assert.rejects(ended, thrown);
  assert.equal(clock.sleeping, 0);
});

test("hedge rejects settings outside their ranges", () => {
  assert.throws(() => hedge({ delay: 1, maxHedges: 0 }), RangeError);
  assert.throws(() => hedge({ quantile: 1 }), RangeError);
  assert.throws(() => hedge({ quantile: 0.9, window: 5 }), RangeError);
});
