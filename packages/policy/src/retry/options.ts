import { type RetryBudget, unlimited } from "../budget/retry-budget.ts";
import type { Context } from "../core/context.ts";
import type { GiveUpReason } from "../core/errors.ts";
import type { Listener } from "../core/events.ts";
import type { Attempt } from "../core/attempt.ts";
import { fullJitter } from "./jitter.ts";
import { stopAfterAttempt, type Stop } from "./stop.ts";
import { waitExponential, type Wait } from "./wait.ts";
import { retryIfError, type When } from "./when.ts";

/** Called around attempts, in tenacity's order: before, the task, after, beforeSleep. A promise is awaited; an error ends the call. */
export type Callback<in T = unknown> = (attempt: Attempt<T>) => void | Promise<void>;

export interface RetryOptions<in R = unknown> {
  /** Again? Asked after every attempt. @default retryIfError(): any error */
  readonly when?: When<R>;
  /** How long? @default full jitter over 1 s · 2^(n-1), at most 30 s */
  readonly wait?: Wait<R>;
  /** Stop? Asked when the condition said "again". @default stopAfterAttempt(3) */
  readonly stop?: Stop<R>;
  /** Called with the number of the attempt that is about to begin. */
  readonly before?: (attempt: number) => void | Promise<void>;
  /** Called after an attempt whose condition said "again", the last one included. */
  readonly after?: Callback<R>;
  /** Called before each wait, with its milliseconds. */
  readonly beforeSleep?: (attempt: Attempt<R>, delay: number) => void | Promise<void>;
  /** Gives the value of a call that gave up, instead of the error; it may throw its own. */
  readonly retryErrorCallback?: (attempt: Attempt<R>, reason: GiveUpReason) => unknown;
  /** Throws the last failure as it was instead of a RetryError; a refused result still gives a RetryError. @default false */
  readonly reraise?: boolean;
  /** Calls the task once and changes nothing when false. @default true */
  readonly enabled?: boolean;
  /** What retries may cost in all; share one between policies. @default unlimited */
  readonly budget?: RetryBudget;
  /** Hears every event of every call. */
  readonly on?: Listener;
  /** What calls run with that are given no context of their own: those of wrapped functions and decorated methods. @default {} */
  readonly context?: Context;
  /** Names the policy in events and explanations. @default "retry" */
  readonly name?: string;
}

/** Retry options with nothing missing but the callbacks. */
export type RetryRule<R = unknown> = RetryOptions<R> &
  Required<Pick<RetryOptions<R>, "when" | "wait" | "stop" | "reraise" | "enabled" | "budget" | "name">>;

/** What `retry()` does when it is told nothing: three attempts, spread by chance, on any error. */
export const retryDefaults: RetryRule = {
  when: retryIfError(),
  wait: fullJitter(waitExponential({ multiplier: "1s", max: "30s" })),
  stop: stopAfterAttempt(3),
  reraise: false,
  enabled: true,
  budget: unlimited,
  name: "retry",
};
