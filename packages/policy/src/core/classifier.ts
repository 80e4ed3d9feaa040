import type { Scope } from "./context.ts";
import { DeadlineExceededError, RejectedError } from "./errors.ts";
import type { Outcome } from "./outcome.ts";

/**
 * Whether an error says nothing about the thing that was called: the caller changed its mind, or the task was never run.
 * A deadline that passed is not a change of mind.
 */
export function isCausedByCaller(error: unknown, scope: Scope): boolean {
  if (error instanceof RejectedError) return true;
  const { signal } = scope;
  return signal?.aborted === true && !(signal.reason instanceof DeadlineExceededError);
}

/** What an outcome says about the thing that was called. */
export type Classifier<in T, out J extends string> = (outcome: Outcome<T>, scope: Scope) => J;
