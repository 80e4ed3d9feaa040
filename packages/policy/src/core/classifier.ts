import type { Scope } from "./context.ts";
import { DeadlineExceededError, RejectedError } from "./errors.ts";
import type { Outcome } from "./outcome.ts";

/**
 * Returns whether the caller caused the error, so that it says nothing about the called service: the caller aborted, or a
 * policy did not run the task. An expired deadline is not an abort by the caller.
 */
export function isCausedByCaller(error: unknown, scope: Scope): boolean {
  if (error instanceof RejectedError) return true;
  const { signal } = scope;
  return signal?.aborted === true && !(signal.reason instanceof DeadlineExceededError);
}

/** Decides what the outcome of a call says about the called service. */
export type Classifier<in T, out J extends string> = (outcome: Outcome<T>, scope: Scope) => J;
