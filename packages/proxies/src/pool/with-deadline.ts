import type { Clock } from "@holdfast/policy";

/** How long there is to wait for a function of the caller's. */
export interface TimeLeft {
  /** In milliseconds; `Infinity` waits for the signal alone. */
  readonly left: number;
  /** What to wait by. */
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  /** Makes what is thrown when the time is over. */
  readonly late: () => Error;
}

/**
 * Waits for what a function of the caller's gives, for as long as there is time.
 *
 * @throws what `late` makes; the signal's reason; what the clock's sleep throws; what the promise rejects with.
 */
export async function withDeadline<T>(
  given: Promise<T>,
  { left, clock, signal, late }: TimeLeft,
): Promise<T> {
  signal?.throwIfAborted();
  const ended = new AbortController();
  const abort = (): void => ended.abort(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  const over = clock.sleep(left, ended.signal).then(() => {
    throw late();
  });
  try {
    return await Promise.race([given, over]);
  } finally {
    signal?.removeEventListener("abort", abort);
    ended.abort();
  }
}
