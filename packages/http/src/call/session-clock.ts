import { systemClock, type Clock } from "@holdfast/policy";
import { abortableClock } from "../support/bounded-wait.ts";
import { SleepQueue } from "../support/sleep-queue.ts";

/** A clock that can end all of its sleeps. */
export interface ClosableClock extends Clock {
  /** Ends every sleep, present and future, with this error. */
  close(reason: Error): void;
  /** Aborted by `close`. */
  readonly closed: AbortSignal;
}

/**
 * Returns the clock of a session. Its sleeps end with the session: a call in its back-off must not keep a closed program alive.
 * `parent`, the end of the session that this one extends, ends them as well.
 */
export function closableClock(clock: Clock, parent?: AbortSignal): ClosableClock {
  const closing = new AbortController();
  const closed = parent === undefined ? closing.signal : AbortSignal.any([closing.signal, parent]);
  const close = (reason: Error): void => closing.abort(reason);
  // A clock of the caller sees each sleep. The sleeps of the system clock share a timer.
  if (clock !== systemClock) return { ...abortableClock(clock, closed), closed, close };
  const sleeps = new SleepQueue(clock);
  return {
    ...clock,
    sleep: (delay, signal) => sleeps.sleep(delay, signal),
    closed,
    close: (reason) => {
      close(reason);
      sleeps.close(reason);
    },
  };
}
