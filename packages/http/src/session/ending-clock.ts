import type { Clock } from "@holdfast/policy";

/** Makes a clock whose sleeps, present and future, also end when `end` is aborted, with its reason. */
export function endingClock(clock: Clock, end: AbortSignal): Clock {
  return {
    ...clock,
    now: () => clock.now(),
    date: () => clock.date(),
    sleep: async (delay, signal) => {
      const ended = new AbortController();
      const stop = (): void => ended.abort(signal?.aborted === true ? signal.reason : end.reason);
      if (signal?.aborted === true || end.aborted) stop();
      signal?.addEventListener("abort", stop, { once: true });
      end.addEventListener("abort", stop, { once: true });
      try {
        await clock.sleep(delay, ended.signal);
      } finally {
        signal?.removeEventListener("abort", stop);
        end.removeEventListener("abort", stop);
      }
    },
  };
}
