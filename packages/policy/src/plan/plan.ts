import { seededRandom, type Random } from "../clock/random.ts";
import type { Clock } from "../clock/clock.ts";
import { toMs, type Duration } from "../clock/duration.ts";
import { TryAgain } from "../core/errors.ts";
import { failed, unwrap, type Outcome } from "../core/outcome.ts";
import { asPolicy, type AnyPolicy } from "../core/policy.ts";
import { fakeClock } from "../clock/fake-clock.ts";

/** The options of `plan`. */
export interface PlanOptions {
  /** Seed of the random waits. The same seed gives the same plan. @default 1 */
  readonly seed?: number;
  /** Number of attempts that fail before one succeeds. @default Infinity */
  readonly failures?: number;
  /** Duration of each attempt. @default 0 */
  readonly attemptDuration?: Duration;
  /** Outcome of a failing attempt: an error or a result. @default an error that every condition retries */
  readonly failWith?: Outcome<unknown>;
  /** Number of attempts after which a policy that never stops is stopped. @default 1000 */
  readonly maxAttempts?: number;
}

/** A wait of a retry inside the policy. Times are milliseconds. */
export interface PlannedWait {
  /** The name of the retry. */
  readonly policy: string;
  /** Number of the attempt before the wait; 1 for the first. */
  readonly attempt: number;
  readonly delay: number;
  /** Start of the wait, since the start of the call. */
  readonly at: number;
}

/** The course of one simulated call. Times are milliseconds. */
export interface PlannedCall {
  readonly waits: readonly PlannedWait[];
  /** How often the policy calls the task. */
  readonly attempts: number;
  readonly duration: number;
  /** How the call ends. `unfinished`: it still continues after `maxAttempts`. */
  readonly ends: "success" | "failure" | "unfinished";
}

/** The result of `plan`. */
export interface Plan extends PlannedCall {
  /** The same call with every attempt failing and every random wait at its longest. */
  readonly worst: PlannedCall;
  /** How often one call runs the task when every attempt fails: the factor of the load in an outage. */
  readonly amplification: number;
}

type PlanTrial = Required<Omit<PlanOptions, "seed" | "attemptDuration">> & {
  readonly random: Random;
  readonly duration: number;
};

// The largest number that a source of random numbers can return.
const maxRandom: Random = () => 1 - Number.EPSILON / 2;

/**
 * Simulates a call of a failing task. A copy of the policy runs on a clock that skips its waits, so the result is exact,
 * also for retries inside retries. Shared state does not change: circuits and limits are copied without their history.
 * The worst case is correct if the delay of a wait strategy grows with the random number, as in all built-in strategies.
 *
 * @throws RangeError for `maxAttempts` below 1.
 */
export async function plan(policy: AnyPolicy, options: PlanOptions = {}): Promise<Plan> {
  const { seed = 1, failures = Infinity, attemptDuration = 0, maxAttempts = 1_000 } = options;
  if (!(maxAttempts >= 1)) throw new RangeError(`plan needs maxAttempts of 1 or more, got ${maxAttempts}`);
  const failWith = options.failWith ?? failed(new TryAgain("Simulated failure"));
  const trial: PlanTrial = {
    failures,
    failWith,
    maxAttempts,
    random: seededRandom(seed),
    duration: toMs(attemptDuration),
  };
  const simulated = await simulateCall(policy, trial);
  const worst = await simulateCall(policy, { ...trial, failures: Infinity, random: maxRandom });
  return { ...simulated, worst, amplification: worst.attempts };
}

async function simulateCall(policy: AnyPolicy, trial: PlanTrial): Promise<PlannedCall> {
  const copy = asPolicy(policy.cloneForPlan?.() ?? policy);
  const clock = fakeClock();
  const waits: PlannedWait[] = [];
  const end = new AbortController();
  const failing = failingTask(trial, clock, end);
  const ends = await copy
    .execute(failing.task, {
      clock,
      random: trial.random,
      signal: end.signal,
      on: (event) => {
        if (event.type !== "retry") return;
        waits.push({
          policy: event.policy,
          attempt: event.attempt.number,
          delay: event.delay,
          at: clock.now(),
        });
      },
    })
    .then(
      (): PlannedCall["ends"] => (failing.succeeded() ? "success" : "failure"),
      (): PlannedCall["ends"] => (end.signal.aborted ? "unfinished" : "failure"),
    );
  return { waits, attempts: failing.calls(), duration: clock.now(), ends };
}

interface FailingTask {
  readonly task: () => Promise<unknown>;
  readonly calls: () => number;
  readonly succeeded: () => boolean;
}

function failingTask(
  { failures, failWith, maxAttempts, duration }: PlanTrial,
  clock: Clock,
  end: AbortController,
): FailingTask {
  let calls = 0;
  return {
    calls: () => calls,
    succeeded: () => calls > failures,
    task: async () => {
      calls += 1;
      if (duration > 0) await clock.sleep(duration, end.signal);
      if (calls > failures) return undefined;
      if (calls >= maxAttempts) end.abort();
      return unwrap(failWith);
    },
  };
}
