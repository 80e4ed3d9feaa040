import type { DeadlineExceededError, GiveUpReason, RejectedError } from "./errors.ts";
import type { Attempt } from "./attempt.ts";

/** An event of a policy. Logs, metrics and statistics are built from these events. */
export type PolicyEvent =
  /** An attempt ended. `again` is the condition's result: whether it asks for another attempt. */
  | { readonly type: "attempt"; readonly policy: string; readonly attempt: Attempt; readonly again: boolean }
  /** Another attempt starts in `delay` milliseconds. */
  | { readonly type: "retry"; readonly policy: string; readonly attempt: Attempt; readonly delay: number }
  /** The retry gave up although the condition asked for another attempt. */
  | {
      readonly type: "give-up";
      readonly policy: string;
      readonly attempt: Attempt;
      readonly reason: GiveUpReason;
    }
  /** The time limit expired before the task ended. */
  | { readonly type: "timed-out"; readonly policy: string; readonly error: DeadlineExceededError }
  /** The policy did not run the task. */
  | { readonly type: "rejected"; readonly policy: string; readonly error: RejectedError }
  /** A circuit opened: it rejects calls until `retryAt`, in milliseconds since 1970 (`Infinity` when isolated). */
  | { readonly type: "opened"; readonly policy: string; readonly retryAt: number }
  /** A circuit half-opened: it runs probes. */
  | { readonly type: "half-opened"; readonly policy: string }
  /** A circuit closed: it runs all calls again. */
  | { readonly type: "closed"; readonly policy: string }
  /** A call waits in a queue. `waiting` is the length of the queue, including this call. */
  | { readonly type: "queued"; readonly policy: string; readonly waiting: number }
  /** A rate limit delays a call by `delay` milliseconds. */
  | { readonly type: "throttled"; readonly policy: string; readonly delay: number }
  /** An adaptive concurrency limit changed. */
  | {
      readonly type: "limit-changed";
      readonly policy: string;
      readonly limit: number;
      readonly before: number;
    }
  /** A hedge started try number `number` next to those that are still running. */
  | { readonly type: "hedged"; readonly policy: string; readonly number: number }
  /** One of several tries of a hedge failed. Another one may still succeed. */
  | { readonly type: "try-failed"; readonly policy: string; readonly number: number; readonly error: unknown }
  /** A fallback replaced the outcome of the task. */
  | { readonly type: "fell-back"; readonly policy: string; readonly attempt: Attempt };

/** Receives events in the order in which they happen. An error that it throws ends the call. */
export type Listener = (event: PolicyEvent) => void;

/** Passes an event to the listener of the policy's options, then to the caller's listener. */
export function emitEvent(
  event: PolicyEvent,
  own: Listener | undefined,
  callers: Listener | undefined,
): void {
  own?.(event);
  callers?.(event);
}
