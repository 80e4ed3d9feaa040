import type { Socket } from "node:net";
import type { Clock } from "@holdfast/policy";
import { ConnectTimeoutError } from "../errors.ts";

/** How long opening a connection may take, and who may end it. */
export interface Limit {
  readonly clock: Clock;
  /** Milliseconds. */
  readonly limit: number;
  readonly signal: AbortSignal;
  readonly target: string;
}

/**
 * Does the work of opening a connection, all of it within the limit; a connection that comes too late is dropped.
 *
 * @throws ConnectTimeoutError; the signal's reason; what the work throws.
 */
export async function within<T extends Socket>(
  { clock, limit, signal, target }: Limit,
  work: (ended: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const ended = new AbortController();
  const abort = (): void => ended.abort(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  const done = new AbortController();
  clock.sleep(limit, done.signal).then(
    () => ended.abort(new ConnectTimeoutError(target, limit)),
    () => undefined,
  );
  const working = work(ended.signal);
  try {
    // A resolver cannot be told to stop: whoever waits for it is let go all the same.
    return await Promise.race([working, rejection(ended.signal)]);
  } catch (error) {
    working.then(
      (late) => late.destroy(),
      () => undefined,
    );
    throw error;
  } finally {
    done.abort();
    signal.removeEventListener("abort", abort);
  }
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
