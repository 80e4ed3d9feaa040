import { lookBeforeLimit, onAbort } from "@holdfast/http/internal";
import type { Clock } from "@holdfast/policy";

/** Limits of a wait for a function of the user. */
export interface DeadlineWait {
  /** Milliseconds to wait; `Infinity` waits until the signal is aborted or the clock is closed. */
  readonly timeLeft: number;
  /** The clock of the session. Its sleep rejects when the session closes, which ends the wait. */
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  /** Creates the error to throw when the time is over. */
  readonly timeoutError: () => Error;
}

/**
 * Waits for a promise of the user until the time is over.
 *
 * @throws the result of `timeoutError`; the signal's reason; the errors of the clock's sleep; the promise's rejection.
 */
export async function withDeadline<T>(
  promise: Promise<T>,
  { timeLeft, clock, signal, timeoutError }: DeadlineWait,
): Promise<T> {
  signal?.throwIfAborted();
  const ended = new AbortController();
  const stopListening = onAbort([signal], (reason) => ended.abort(reason));
  const dueAt = clock.now() + timeLeft;
  const timeout = clock.sleep(timeLeft, ended.signal).then(async () => {
    await lookBeforeLimit(clock, dueAt);
    throw timeoutError();
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    stopListening();
    ended.abort();
  }
}
