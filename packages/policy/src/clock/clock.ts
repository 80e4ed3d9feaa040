/** A source of time and timers. Tests pass a fake one. */
export interface Clock {
  /** Returns monotonic milliseconds. Only the difference between two readings has a meaning. */
  now(): number;
  /** Returns milliseconds since 1970-01-01T00:00:00Z, for times that people or servers read. */
  date(): number;
  /**
   * Resolves after at least `delay` milliseconds. `Infinity` waits until the signal aborts.
   *
   * @throws the signal's reason, immediately when the signal is or becomes aborted.
   */
  sleep(delay: number, signal?: AbortSignal): Promise<void>;
  /**
   * Calls `run` once, after at least `delay` milliseconds. Returns a function that stops the timer. Optional: without
   * it, timers use `sleep`, which costs an AbortController each.
   */
  timer?(delay: number, run: () => void): () => void;
}

// A longer delay overflows the 32-bit timers of every platform and fires immediately.
const maxTimerDelay = 2 ** 31 - 1;

/** The platform's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  date: () => Date.now(),
  sleep: (delay, signal) =>
    signal === undefined
      ? new Promise(
          (resolve) => void setTimeout(wakeAt, timerDelay(delay), performance.now() + delay, resolve),
        )
      : sleepWithTimer(systemTimer, delay, signal),
  timer: systemTimer,
};

function systemTimer(delay: number, run: () => void): () => void {
  const until = performance.now() + delay;
  const tick = (): void => {
    // Timers round down and may fire up to a millisecond early. A wait that a server asked for must not be shorter.
    const left = until - performance.now();
    if (left > 0) handle = setTimeout(tick, timerDelay(left));
    else run();
  };
  let handle = setTimeout(tick, timerDelay(delay));
  return () => clearTimeout(handle);
}

// A timer that nothing stops needs no closures, which halves its memory (bench/README.md).
function wakeAt(until: number, wake: () => void): void {
  const left = until - performance.now();
  if (left > 0) setTimeout(wakeAt, timerDelay(left), until, wake);
  else wake();
}

function timerDelay(left: number): number {
  // Node warns about a negative delay: what waits is due already.
  return Math.min(Math.max(0, Math.ceil(left)), maxTimerDelay);
}

/** Implements `Clock.sleep` with the `timer` of a clock. */
export function sleepWithTimer(
  timer: NonNullable<Clock["timer"]>,
  delay: number,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    const abort = (): void => {
      stop();
      reject(signal?.reason);
    };
    const stop = timer(delay, () => {
      signal?.removeEventListener("abort", abort);
      resolve();
    });
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/** Starts a timer on any clock. Returns a function that stops it. `Infinity` starts no timer. `run` must not throw. */
export function startTimer(clock: Clock, delay: number, run: () => void): () => void {
  if (delay === Infinity) return () => undefined;
  if (clock.timer !== undefined) return clock.timer(delay, run);
  const stop = new AbortController();
  clock.sleep(delay, stop.signal).then(run, () => undefined);
  return () => stop.abort();
}
