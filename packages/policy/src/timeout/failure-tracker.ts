import type { Listener, PolicyEvent } from "../core/events.ts";

/** Listens in on what happens inside a call, to know its latest failure when the call is cut off. */
export interface FailureTracker {
  /** To be handed inwards: remembers failures, and passes every event on. */
  readonly on: Listener;
  /** The latest failure as an error's options, empty when nothing failed. */
  asCause(): ErrorOptions;
}

/** Watches a call's events on their way to `next`. */
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

/** The latest failure once an event has happened: a failed attempt replaces the one before. */
export function latestCause(last: ErrorOptions, event: PolicyEvent): ErrorOptions {
  if (event.type === "attempt")
    return event.attempt.outcome.ok ? last : { cause: event.attempt.outcome.error };
  if (event.type === "try-failed" || event.type === "rejected") return { cause: event.error };
  return last;
}
