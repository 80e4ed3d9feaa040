import type { Listener, PolicyEvent } from "../core/events.ts";

/** Remembers the latest failure inside a call, as the cause of a timeout. */
export interface FailureTracker {
  /** The listener for the policies inside: remembers failures and passes every event on. */
  readonly on: Listener;
  /** Returns the latest failure as options of an error; empty without a failure. */
  asCause(): ErrorOptions;
}

/** Creates a tracker that passes events on to `next`. */
export function trackFailures(next: Listener | undefined): FailureTracker {
  let last: ErrorOptions = {};
  return {
    on: (event) => {
      last = latestCause(last, event);
      next?.(event);
    },
    asCause: () => last,
  };
}

/** Returns the latest failure after an event, given the one before it. */
export function latestCause(last: ErrorOptions, event: PolicyEvent): ErrorOptions {
  if (event.type === "attempt")
    return event.attempt.outcome.ok ? last : { cause: event.attempt.outcome.error };
  if (event.type === "try-failed" || event.type === "rejected") return { cause: event.error };
  return last;
}
