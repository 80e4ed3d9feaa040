/** Time as a parameter: what a policy may know of it, and the one way to let it pass. */
export interface Clock {
  /** Monotonic milliseconds; only differences between two readings mean anything. */
  now(): number;
  /** Milliseconds since 1970-01-01T00:00:00Z, for what people and servers read. */
  date(): number;
  /**
   * Resolves no earlier than `delay` milliseconds from now; `Infinity` waits for the signal alone.
   *
   * @throws the signal's reason, at once, when it is or becomes aborted.
   */
  sleep(delay: number, signal?: AbortSignal): Promise<void>;
}

// A longer delay overflows the 32-bit timers of every platform and would fire at once.
const longestTimer = 2 ** 31 - 1;

/** The platform's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  date: () => Date.now(),
  sleep: (delay, signal) => {
    const until = performance.now() + delay;
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason as Error);
      let timer: ReturnType<typeof setTimeout>;
      const abort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const tick = (): void => {
        // Timers round down: one may fire up to a millisecond early, and a server's minimum must not be undercut.
        const left = until - performance.now();
        if (left > 0) {
          timer = setTimeout(tick, Math.min(Math.ceil(left), longestTimer));
          return;
        }
        signal?.removeEventListener("abort", abort);
        resolve();
      };
      signal?.addEventListener("abort", abort, { once: true });
      timer = setTimeout(tick, Math.min(Math.ceil(delay), longestTimer));
    });
  },
};

/** Chance as a parameter: a number in [0, 1), like `Math.random`. */
export type Random = () => number;

/** The platform's own source of chance. */
export const systemRandom: Random = () => Math.random();
