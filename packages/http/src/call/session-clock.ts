import type { Clock } from "@holdfast/policy";
import { abortableClock } from "../support/bounded-wait.ts";

/** A clock that can end all of its sleeps. */
export interface ClosableClock extends Clock {
  /** Ends every sleep, present and future, with this error. */
  close(reason: Error): void;
  /** Aborted by `close`. */
  readonly closed: AbortSignal;
}

/** Returns the clock of a session. Its sleeps end with the session: a call in its back-off must not keep a closed program alive. */
export function closableClock(clock: Clock): ClosableClock {
  const closing = new AbortController();
  const { signal } = closing;
  return { ...abortableClock(clock, signal), closed: signal, close: (reason) => closing.abort(reason) };
}
