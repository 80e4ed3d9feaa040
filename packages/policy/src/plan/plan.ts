import { seededRandom, type Random } from "../clock/random.ts";
import type { Clock } from "../clock/clock.ts";
import { toMs, type Duration } from "../clock/duration.ts";
import { TryAgain } from "../core/errors.ts";
import { failed, unwrap, type Outcome } from "../core/outcome.ts";
import { asPolicy, type AnyPolicy } from "../core/policy.ts";
import { fakeClock } from "../clock/fake-clock.ts";

export interface PlanOptions {
  /** What the random waits are drawn with: the same seed gives the same plan. @default 1 */
  readonly seed?: number;
  /** How many attempts fail before one succeeds. @default Infinity */
  readonly failures?: number;
  /** How long each attempt takes. @default 0 */
  readonly attemptDuration?: Duration;
  /** What a failing attempt comes to: an error, or a result, for the conditions to judge. @default one that every condition retries */
  readonly failWith?: Outcome<unknown>;
  /** After how many attempts a policy that never stops is stopped. @default 1000 */
  readonly maxAttempts?: number;
}

/** A wait that a retry inside the policy would make. Times are milliseconds. */
export interface PlannedWait {
  /** The name of the retry. */
  readonly policy: string;
  /** The attempt it comes after, 1-based. */
  readonly attempt: number;
  readonly delay: number;
  /** When it begins, since the call began. */
  readonly at: number;
}

/** What one call would do. Times are milliseconds. */
export interface PlannedCall {
  readonly waits: readonly PlannedWait[];
  /** How often the task would be called. */
  readonly attempts: number;
  readonly duration: number;
  /** How it would end; `unfinished` when it would still go on after `maxAttempts`. */
  readonly ends: "success" | "failure" | "unfinished";
}

/** What a policy would do, by trying it out. */
export interface Plan extends PlannedCall {
  /** The same with every attempt failing and every random wait at its longest. */
  readonly worst: PlannedCall;
  /** How many times the task is called for one call when everything fails: what an outage multiplies the load by. */
  readonly amplification: number;
}

type PlanTrial = Required<Omit<PlanOptions, "seed" | "attemptDuration">> & {
  readonly random: Random;
  readonly taking: number;
};

// The greatest number that a source of chance can give.
const maxRandom: Random = () => 1 - Number.EPSILON / 2;

/**
 * Tells what a policy would do with a task that fails: the real policy runs on a clock that skips its waits, so this is no
 * second formula. Retries inside retries multiply, as they would. What is shared stays untouched: circuits and limits are
 * tried out anew, without their history. The worst case holds for waits that grow with chance, as all of ours do.
 *
 * @throws RangeError for no attempts at all.
 */
export async function plan(policy: AnyPolicy, options: PlanOptions = {}): Promise<Plan> {
  const { seed = 1, failures = Infinity, attemptDuration = 0, maxAttempts = 1_000 } = options;
  if (!(maxAttempts >= 1)) throw new RangeError(`plan needs maxAttempts of 1 or more, got ${maxAttempts}`);
  const failWith = options.failWith ?? failed(new TryAgain("Planned to fail"));
  const trial: PlanTrial = {
    failures,
    failWith,
    maxAttempts,
    random: seededRandom(seed),
    taking: toMs(attemptDuration),
  };
  const usual = await simulateCall(policy, trial);
  const worst = await simulateCall(policy, { ...trial, failures: Infinity, random: maxRandom });
  return { ...usual, worst, amplification: worst.attempts };
}

async function simulateCall(policy: AnyPolicy, trial: PlanTrial): Promise<PlannedCall> {
  const rehearsed = asPolicy(policy.cloneForPlan?.() ?? policy);
  const clock = fakeClock();
  const waits: PlannedWait[] = [];
  const end = new AbortController();
  const failing = failingTask(trial, clock, end);
  const ends = await rehearsed
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
  { failures, failWith, maxAttempts, taking }: PlanTrial,
  clock: Clock,
  end: AbortController,
): FailingTask {
  let calls = 0;
  return {
    calls: () => calls,
    succeeded: () => calls > failures,
    task: async () => {
      calls += 1;
      if (taking > 0) await clock.sleep(taking, end.signal);
      if (calls > failures) return undefined;
      if (calls >= maxAttempts) end.abort();
      return unwrap(failWith);
    },
  };
}
