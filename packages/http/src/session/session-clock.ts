import type { Clock } from "@holdfast/policy";
import { endingClock } from "./ending-clock.ts";

/** A clock whose sleepers can be woken for good. */
export interface ClosableClock extends Clock {
  /** Ends every sleep, present and future, with the reason as its error. */
  close(reason: Error): void;
  /** Aborted by `close`. */
  readonly closed: AbortSignal;
}

/** Makes the waits of a session end with the session: a call in its back-off must not keep a closed program waiting. */
export function closableClock(clock: Clock): ClosableClock {
  const closing = new AbortController();
  const { signal } = closing;
  return { ...endingClock(clock, signal), closed: signal, close: (reason) => closing.abort(reason) };
}
