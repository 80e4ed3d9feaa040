import type { DeadlineExceededError, GiveUpReason, RejectedError } from "./errors.ts";
import type { Attempt } from "./attempt.ts";

/** Everything a policy reports; logs, metrics and statistics are folds over these. */
export type PolicyEvent =
  /** An attempt ended and was judged: `again` says what the condition answered. */
  | { readonly type: "attempt"; readonly policy: string; readonly attempt: Attempt; readonly again: boolean }
  /** A further attempt will be made after `delay` milliseconds. */
  | { readonly type: "retry"; readonly policy: string; readonly attempt: Attempt; readonly delay: number }
  /** No further attempt will be made though the condition asked for one. */
  | {
      readonly type: "give-up";
      readonly policy: string;
      readonly attempt: Attempt;
      readonly reason: GiveUpReason;
    }
  /** The limit passed before the task was done. */
  | { readonly type: "timed-out"; readonly policy: string; readonly error: DeadlineExceededError }
  /** The task was not run. */
  | { readonly type: "rejected"; readonly policy: string; readonly error: RejectedError }
  /** A circuit lets no call through until `retryAt`, in milliseconds since 1970; `Infinity` when it was isolated. */
  | { readonly type: "opened"; readonly policy: string; readonly retryAt: number }
  /** A circuit lets probes through. */
  | { readonly type: "half-opened"; readonly policy: string }
  /** A circuit lets all calls through again. */
  | { readonly type: "closed"; readonly policy: string }
  /** A call waits for a place; `waiting` counts it too. */
  | { readonly type: "queued"; readonly policy: string; readonly waiting: number }
  /** A call waits `delay` milliseconds for its turn. */
  | { readonly type: "throttled"; readonly policy: string; readonly delay: number }
  /** An adaptive limit moved. */
  | {
      readonly type: "limit-changed";
      readonly policy: string;
      readonly limit: number;
      readonly before: number;
    }
  /** Try number `number` was begun beside those that are still running. */
  | { readonly type: "hedged"; readonly policy: string; readonly number: number }
  /** One of several tries failed; another may still succeed. */
  | { readonly type: "try-failed"; readonly policy: string; readonly number: number; readonly error: unknown }
  /** The task's outcome was replaced. */
  | { readonly type: "fell-back"; readonly policy: string; readonly attempt: Attempt };

/** Hears events, in the order in which they happened; what it throws ends the call. */
export type Listener = (event: PolicyEvent) => void;

/** Tells the event to the listener of the policy's own options, then to the caller's. */
export function emitEvent(
  event: PolicyEvent,
  own: Listener | undefined,
  callers: Listener | undefined,
): void {
  own?.(event);
  callers?.(event);
}
