import type { Clock } from "@holdfast/policy";
import { startLimit, type Limit } from "./limit-timer.ts";

/** The limits of a wait. A limit of `Infinity` waits for the promise and the signals alone. */
export interface WaitBounds extends Limit {
  readonly signals: readonly (AbortSignal | undefined)[];
  /** Returns the error to reject with when the limit has passed. */
  readonly timeoutError: () => unknown;
}

/**
 * Waits for a promise until the limit has passed or a signal is aborted, whichever comes first. Nothing ends the work
 * behind the promise, and its late result is dropped. A promise that is already settled wins over an aborted signal, and one
 * that settled while the process was busy wins over the limit.
 *
 * Rejects with `timeoutError()`, with the reason of the signal, or as the promise does.
 */
export function waitBounded<T>(
  promise: PromiseLike<T>,
  { signals, timeoutError, ...limit }: WaitBounds,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const release = (): void => {
      stopTimer();
      stopListening();
    };
    const fail = (reason: unknown): void => {
      release();
      reject(reason);
    };
    const stopTimer = startLimit(limit, () => fail(timeoutError()));
    const stopListening = onAbort(signals, fail);
    promise.then((value) => {
      release();
      resolve(value);
    }, fail);
  });
}

/**
 * Calls `run` with the reason of the first signal that is aborted, unless the returned function is called before. For a
 * signal that is already aborted, it does so two microtasks later, so that a settled promise is seen first.
 */
export function onAbort(
  signals: readonly (AbortSignal | undefined)[],
  run: (reason: unknown) => void,
): () => void {
  let stopped = false;
  const stop = (): void => {
    stopped = true;
    for (const signal of signals) signal?.removeEventListener("abort", abort);
  };
  const abort = (event: Event): void => end(event.target);
  const end = (signal: unknown): void => {
    if (stopped || !(signal instanceof AbortSignal)) return;
    stop();
    run(signal.reason);
  };
  for (const signal of signals) {
    if (signal?.aborted === true) queueMicrotask(() => queueMicrotask(() => end(signal)));
    else signal?.addEventListener("abort", abort, { once: true });
  }
  return stop;
}

/** Returns a clock. Its sleeps, present and future, also end when `signal` is aborted, with its reason. */
export function abortableClock(clock: Clock, signal: AbortSignal): Clock {
  return {
    ...clock,
    now: clock.now.bind(clock),
    date: clock.date.bind(clock),
    sleep: async (delay, own) => {
      if (own === undefined || own === signal) return clock.sleep(delay, signal);
      own.throwIfAborted();
      signal.throwIfAborted();
      const ended = new AbortController();
      const stopListening = onAbort([own, signal], (reason) => ended.abort(reason));
      try {
        await clock.sleep(delay, ended.signal);
      } finally {
        stopListening();
      }
    },
  };
}
