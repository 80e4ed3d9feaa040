import { describeValue } from "../support/check-options.ts";
import { formatMs, toMs, type Duration } from "../clock/duration.ts";
import { withName, combinedName } from "../support/strategy-name.ts";
import type { Attempt } from "../core/attempt.ts";

/**
 * Decides whether a retry gives up, after an attempt that the condition asks to retry. `delay` is the next wait in
 * milliseconds.
 */
export type Stop<in T = unknown> = (attempt: Attempt<T>, delay: number) => boolean;

/** Stops after `count` attempts, including the first. */
export function stopAfterAttempt(count: number): Stop {
  if (typeof count !== "number")
    throw new TypeError(`stopAfterAttempt needs a number of attempts, got ${describeValue(count)}`);
  if (Number.isNaN(count)) throw new RangeError("stopAfterAttempt needs a number of attempts, got NaN");
  return withName(`stopAfterAttempt(${count})`, ({ number }) => number >= count);
}

/** Stops when `limit` has passed since the start of the first attempt. The next wait does not count. */
export function stopAfterDelay(limit: Duration): Stop {
  const limitMs = toMs(limit);
  return withName(`stopAfterDelay(${formatMs(limitMs)})`, ({ elapsed }) => elapsed >= limitMs);
}

/** Stops when the next attempt would not start within `limit` after the start of the first one. */
export function stopBeforeDelay(limit: Duration): Stop {
  const limitMs = toMs(limit);
  return withName(
    `stopBeforeDelay(${formatMs(limitMs)})`,
    ({ elapsed }, delay) => elapsed + delay >= limitMs,
  );
}

/** Never stops. The call ends with a success, an abort or a deadline. */
export const stopNever: Stop = withName("stopNever", () => false);

/** Stops when the signal is aborted. The call then gives up normally (tenacity's `stop_when_event_set`). */
export function stopWhenAborted(signal: AbortSignal): Stop {
  return withName("stopWhenAborted", () => signal.aborted);
}

/** Stops when any of the strategies stops. Without strategies, never stops. */
export function stopAny<T = unknown>(...strategies: readonly Stop<T>[]): Stop<T> {
  return withName(combinedName("stopAny", strategies), (attempt, delay) =>
    strategies.some((stop) => stop(attempt, delay)),
  );
}

/** Stops when all of the strategies stop. Without strategies, stops after the first attempt. */
export function stopAll<T = unknown>(...strategies: readonly Stop<T>[]): Stop<T> {
  return withName(combinedName("stopAll", strategies), (attempt, delay) =>
    strategies.every((stop) => stop(attempt, delay)),
  );
}
