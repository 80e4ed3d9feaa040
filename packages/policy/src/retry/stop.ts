import { formatMs, toMs, type Duration } from "../clock/duration.ts";
import { withName, combinedName } from "../support/strategy-name.ts";
import type { Attempt } from "../core/attempt.ts";

/**
 * Answers *stop?* after an attempt whose condition asked for another one.
 * `delay` is the wait in milliseconds that would come next.
 */
export type Stop<in T = unknown> = (attempt: Attempt<T>, delay: number) => boolean;

/** Stops when `count` attempts were made, the first included. */
export function stopAfterAttempt(count: number): Stop {
  if (Number.isNaN(count)) throw new RangeError("stopAfterAttempt needs a number of attempts, got NaN");
  return withName(`stopAfterAttempt(${count})`, ({ number }) => number >= count);
}

/** Stops when `limit` or more has passed since the first attempt began; the wait to come is not counted. */
export function stopAfterDelay(limit: Duration): Stop {
  const limitMs = toMs(limit);
  return withName(`stopAfterDelay(${formatMs(limitMs)})`, ({ elapsed }) => elapsed >= limitMs);
}

/** Stops when the next attempt could not start within `limit` of the first. */
export function stopBeforeDelay(limit: Duration): Stop {
  const limitMs = toMs(limit);
  return withName(
    `stopBeforeDelay(${formatMs(limitMs)})`,
    ({ elapsed }, delay) => elapsed + delay >= limitMs,
  );
}

/** Never stops by itself: the call ends by success, by the caller's signal, or by a deadline. */
export const stopNever: Stop = withName("stopNever", () => false);

/** Stops once the signal is aborted, giving up in the ordinary way (tenacity's `stop_when_event_set`). */
export function stopWhenAborted(signal: AbortSignal): Stop {
  return withName("stopWhenAborted", () => signal.aborted);
}

/** Stops when any of the strategies does; of none, never. */
export function stopAny<T = unknown>(...strategies: readonly Stop<T>[]): Stop<T> {
  return withName(combinedName("stopAny", strategies), (attempt, delay) =>
    strategies.some((stop) => stop(attempt, delay)),
  );
}

/** Stops when all of the strategies do; of none, at once. */
export function stopAll<T = unknown>(...strategies: readonly Stop<T>[]): Stop<T> {
  return withName(combinedName("stopAll", strategies), (attempt, delay) =>
    strategies.every((stop) => stop(attempt, delay)),
  );
}
