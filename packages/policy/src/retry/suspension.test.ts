import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { retryBudget } from "../budget/retry-budget.ts";
import { fakeClock, type FakeClock } from "../clock/fake-clock.ts";
import { seededRandom } from "../clock/random.ts";
import type { Context, Scope } from "../core/context.ts";
import type { PolicyEvent } from "../core/events.ts";
import { decorrelatedJitter } from "./jitter.ts";
import type { RetryProgress } from "./progress.ts";
import { retry, type RetryPolicy } from "./retry.ts";
import { stopAfterAttempt, stopAny, stopBeforeDelay } from "./stop.ts";
import { executeSuspendable, isRetryProgress } from "./suspension.ts";
import { waitExponential } from "./wait.ts";

class Suspended extends Error {
  readonly json: string;
  readonly delay: number;

  constructor(progress: RetryProgress) {
    super("Suspended");
    this.json = JSON.stringify(progress);
    this.delay = progress.waited;
  }
}

function suspend(progress: RetryProgress): void {
  if (progress.waited > 0) throw new Suspended(progress);
}

interface ScriptedOutcome {
  readonly kind: "error" | "refused" | "accepted";
  /** Duration of the attempt, in milliseconds. */
  readonly takes: number;
}

/** Everything that a call decides, does and returns. */
interface Trace {
  readonly attempts: unknown[];
  readonly events: unknown[];
  end: unknown;
  endedAt: number;
  balance: number;
}

interface Run {
  readonly policy: RetryPolicy<string>;
  readonly trace: Trace;
  readonly clock: FakeClock;
  readonly context: Context;
  readonly task: (scope: Scope) => Promise<string>;
}

function prepare(
  script: readonly ScriptedOutcome[],
  { seed, deadline }: { seed: number; deadline: number },
): Run {
  const clock = fakeClock();
  const budget = retryBudget({ ratio: 1, minPerSecond: 0.3, clock });
  const trace: Trace = { attempts: [], events: [], end: undefined, endedAt: 0, balance: 0 };
  const policy = retry<string>({
    when: ({ outcome }) => !outcome.ok || outcome.value === "refused",
    wait: decorrelatedJitter(waitExponential({ multiplier: 100 }), { max: "20s" }),
    stop: stopAny(stopAfterAttempt(6), stopBeforeDelay("60s")),
    budget,
    on: (event: PolicyEvent) => trace.events.push({ ...event, attempt: undefined }),
    after: ({ outcome, ...attempt }) => void trace.attempts.push({ ...attempt, ok: outcome.ok }),
  });
  const left = [...script];
  const task = async ({ attempt }: Scope): Promise<string> => {
    trace.attempts.push(attempt);
    const { kind, takes } = left.shift() ?? { kind: "accepted", takes: 0 };
    await clock.sleep(takes);
    if (kind === "error") throw new Error(`attempt ${attempt}`);
    return kind;
  };
  Object.defineProperty(trace, "balance", { enumerable: true, get: () => budget.balance });
  return { policy, trace, clock, context: { clock, random: seededRandom(seed), deadline }, task };
}

async function record({ trace, clock }: Run, result: Promise<string>): Promise<Trace> {
  trace.end = await result.catch(String);
  trace.endedAt = clock.now();
  return { ...trace };
}

/** Runs the call with a suspension at each wait. The progress passes through JSON. */
async function runSuspended({ policy, task, context, clock }: Run): Promise<string> {
  for (let progress: RetryProgress | undefined; ;) {
    try {
      return await executeSuspendable(policy.rule, task, { context, progress, suspend });
    } catch (error) {
      if (!(error instanceof Suspended)) throw error;
      await clock.sleep(error.delay);
      progress = JSON.parse(error.json) as RetryProgress;
    }
  }
}

test("a call that is suspended at each wait makes the same attempts, decisions and waits as one that sleeps", async () => {
  const outcome = fc.record({
    kind: fc.constantFrom("error", "error", "refused", "accepted" as const),
    takes: fc.integer({ min: 0, max: 5_000 }),
  });
  const limits = fc.record({ seed: fc.nat(), deadline: fc.constantFrom(Infinity, 1_000, 20_000) });
  await fc.assert(
    fc.asyncProperty(fc.array(outcome, { maxLength: 8 }), limits, async (script, options) => {
      const sleeping = prepare(script, options);
      const suspended = prepare(script, options);

      const expected = await record(sleeping, sleeping.policy.execute(sleeping.task, sleeping.context));
      const actual = await record(suspended, runSuspended(suspended));

      assert.deepEqual(actual, expected);
    }),
  );
});

test("a suspended call that is continued later counts its waits, and not the time until it is continued", async () => {
  const run = prepare(
    [
      { kind: "error", takes: 10 },
      { kind: "error", takes: 20 },
    ],
    { seed: 1, deadline: Infinity },
  );
  const call = { context: run.context, suspend };
  const first = await executeSuspendable(run.policy.rule, run.task, { ...call, progress: undefined }).catch(
    (e: unknown) => e,
  );
  assert.ok(first instanceof Suspended);
  await run.clock.sleep(3_600_000);
  const progress = JSON.parse(first.json) as RetryProgress;

  const second = await executeSuspendable(run.policy.rule, run.task, { ...call, progress }).catch(
    (e: unknown) => e,
  );

  assert.ok(second instanceof Suspended);
  const { number, elapsed, idleFor } = JSON.parse(second.json) as RetryProgress;
  assert.deepEqual({ number, elapsed }, { number: 2, elapsed: 30 + idleFor });
});

test("a retry inside a suspended call waits by itself", async () => {
  const clock = fakeClock();
  const inner = retry({ wait: () => 50, stop: stopAfterAttempt(3) });
  const numbers: number[] = [];

  const error = await executeSuspendable(
    retry({ wait: () => 1_000 }).rule,
    (scope) =>
      inner.execute(({ attempt }) => {
        numbers.push(attempt);
        throw new Error("down");
      }, scope),
    { context: { clock }, progress: undefined, suspend },
  ).catch((e: unknown) => e);

  assert.ok(error instanceof Suspended);
  assert.deepEqual(numbers, [1, 2, 3]);
  assert.equal(error.delay, 1_000);
});

test("isRetryProgress accepts the progress of a call, and nothing else", () => {
  const progress = { number: 1, waited: 2, idleFor: 2, elapsed: 5 };

  assert.equal(isRetryProgress(progress), true);
  for (const other of [
    null,
    1,
    {},
    { ...progress, waited: -1 },
    { ...progress, elapsed: null },
    { ...progress, number: "1" },
  ])
    assert.equal(isRetryProgress(other), false);
});
