import { type RetryBudget, unlimited } from "../budget/retry-budget.ts";
import type { Context } from "../core/context.ts";
import type { GiveUpReason } from "../core/errors.ts";
import type { Listener } from "../core/events.ts";
import type { Attempt } from "../core/attempt.ts";
import { fullJitter } from "./jitter.ts";
import { stopAfterAttempt, type Stop } from "./stop.ts";
import { waitExponential, type Wait } from "./wait.ts";
import type { RetryProgress } from "./progress.ts";
import { retryIfError, type When } from "./when.ts";

/**
 * A callback that a retry calls between attempts, in tenacity's order: before, the task, after, beforeSleep. The retry
 * awaits a promise. An error ends the call.
 */
export type Callback<in T = unknown> = (attempt: Attempt<T>) => void | Promise<void>;

/** The options of `retry`. */
export interface RetryOptions<in R = unknown> {
  /** Decides after every attempt whether to retry. @default retryIfError(): on any error */
  readonly when?: When<R>;
  /** Returns the wait before the next attempt. @default full jitter over 1 s · 2^(n-1), at most 30 s */
  readonly wait?: Wait<R>;
  /** Decides whether to give up, after an attempt that `when` asks to retry. @default stopAfterAttempt(3) */
  readonly stop?: Stop<R>;
  /** Called before each attempt, with its number. */
  readonly before?: (attempt: number) => void | Promise<void>;
  /** Called after each attempt that `when` asks to retry, including the last one. */
  readonly after?: Callback<R>;
  /** Called before each wait, with its length in milliseconds. */
  readonly beforeSleep?: (attempt: Attempt<R>, delay: number) => void | Promise<void>;
  /** Returns the value of a call that gave up, in place of the error. It may throw another error. */
  readonly retryErrorCallback?: (attempt: Attempt<R>, reason: GiveUpReason) => unknown;
  /**
   * Whether a call that gives up throws the last failure unchanged. `false` throws a RetryError with every attempt (tenacity's
   * default). A refused result always throws a RetryError. @default true
   */
  readonly reraise?: boolean;
  /**
   * What an open circuit inside of the retry does. `false` ends the call immediately, with the CircuitOpenError. `true` retries
   * when the circuit runs calls again, within the deadline, if `when` and `stop` allow it. @default false
   */
  readonly waitForCircuit?: boolean;
  /** If false, calls the task once and passes its outcome through. @default true */
  readonly enabled?: boolean;
  /** Limits the retries of all calls together. Share one budget between policies. @default unlimited */
  readonly budget?: RetryBudget;
  /** Continues a call that ended with this progress, perhaps in another process. @default a new call */
  readonly progress?: RetryProgress | undefined;
  /** Receives every event of every call. */
  readonly on?: Listener;
  /** Context of calls without their own one, such as calls of wrapped functions and decorated methods. @default {} */
  readonly context?: Context;
  /** Name of the policy in events and explanations. @default "retry" */
  readonly name?: string;
}

/** Retry options with all defaults filled in. */
export type RetryRule<R = unknown> = RetryOptions<R> &
  Required<
    Pick<
      RetryOptions<R>,
      "when" | "wait" | "stop" | "reraise" | "waitForCircuit" | "enabled" | "budget" | "name"
    >
  >;

/** The defaults of `retry`: three attempts with random waits, on any error. */
export const retryDefaults: RetryRule = {
  when: retryIfError(),
  wait: fullJitter(waitExponential({ multiplier: "1s", max: "30s" })),
  stop: stopAfterAttempt(3),
  reraise: true,
  waitForCircuit: false,
  enabled: true,
  budget: unlimited,
  name: "retry",
};
