import type { Clock } from "@holdfast/policy";

/** A clock whose sleepers can be woken for good. */
export interface ClosableClock extends Clock {
  /** Ends every sleep, present and future, with the reason as its error. */
  close(reason: Error): void;
}

/** Makes the waits of a session end with the session: a call in its back-off must not keep a closed program waiting. */
export function closableClock(clock: Clock): ClosableClock {
  const closing = new AbortController();
  return {
    ...clock,
    now: () => clock.now(),
    date: () => clock.date(),
    sleep: async (delay, signal) => {
      const ended = new AbortController();
      const end = (): void => ended.abort(signal?.aborted === true ? signal.reason : closing.signal.reason);
      if (signal?.aborted === true || closing.signal.aborted) end();
      signal?.addEventListener("abort", end, { once: true });
      closing.signal.addEventListener("abort", end, { once: true });
      try {
        await clock.sleep(delay, ended.signal);
      } finally {
        signal?.removeEventListener("abort", end);
        closing.signal.removeEventListener("abort", end);
      }
    },
    close: (reason) => closing.abort(reason),
  };
}
