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
  /**
   * Calls `run` once, no earlier than `delay` milliseconds from now, unless the function that it gives back is called
   * before. A clock may leave it out: its `sleep` then serves, at the price of a signal for each timer.
   */
  timer?(delay: number, run: () => void): () => void;
}

// A longer delay overflows the 32-bit timers of every platform and would fire at once.
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
    // Timers round down: one may fire up to a millisecond early, and a server's minimum must not be undercut.
    const left = until - performance.now();
    if (left > 0) handle = setTimeout(tick, timerDelay(left));
    else run();
  };
  let handle = setTimeout(tick, timerDelay(delay));
  return () => clearTimeout(handle);
}

// What cannot be stopped needs no closures: half the memory of a timer (bench/README.md).
function wakeAt(until: number, wake: () => void): void {
  const left = until - performance.now();
  if (left > 0) setTimeout(wakeAt, timerDelay(left), until, wake);
  else wake();
}

function timerDelay(left: number): number {
  return Math.min(Math.ceil(left), maxTimerDelay);
}

/** Makes a sleep of a timer, for any clock that has one. */
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

/** Starts a timer on any clock; what it gives back stops it. `Infinity` starts none. `run` must not throw. */
export function startTimer(clock: Clock, delay: number, run: () => void): () => void {
  if (delay === Infinity) return () => undefined;
  if (clock.timer !== undefined) return clock.timer(delay, run);
  const stop = new AbortController();
  clock.sleep(delay, stop.signal).then(run, () => undefined);
  return () => stop.abort();
}
