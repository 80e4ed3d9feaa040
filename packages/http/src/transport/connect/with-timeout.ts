import type { Socket } from "node:net";
import type { Clock } from "@holdfast/policy";
import { ConnectTimeoutError } from "../../errors/transport-errors.ts";
import type { ProxyTimeouts } from "../timeouts.ts";

/** How long opening a connection may take. */
export interface ConnectLimits {
  /** Milliseconds for all of it: the name, every address, the proxy and TLS. */
  readonly connectLimit: number;
  /** Milliseconds for each leg of the way through a proxy, as far as they were given. */
  readonly proxyLimits?: ProxyTimeouts | undefined;
}

/** How long opening a connection may take, and who may end it. */
export interface ConnectTimeout {
  readonly clock: Clock;
  /** Milliseconds. */
  readonly limit: number;
  readonly signal: AbortSignal;
  readonly target: string;
  /** What to say when the limit has passed. @default a ConnectTimeoutError */
  readonly timeoutError?: () => Error;
}

/**
 * Does the work of opening a connection, or a part of it, within the limit; what comes of it too late is dropped.
 *
 * @throws ConnectTimeoutError; the signal's reason; what the work throws.
 */
export async function withTimeout<T>(
  {
    clock,
    limit,
    signal,
    target,
    timeoutError: late = () => new ConnectTimeoutError(target, limit),
  }: ConnectTimeout,
  work: (ended: AbortSignal) => Promise<T>,
  drop: (late: T) => void,
): Promise<T> {
  signal.throwIfAborted();
  const ended = new AbortController();
  const abort = (): void => ended.abort(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  const done = new AbortController();
  clock.sleep(limit, done.signal).then(
    () => ended.abort(late()),
    () => undefined,
  );
  const working = work(ended.signal);
  try {
    // A resolver cannot be told to stop: whoever waits for it is let go all the same.
    return await Promise.race([working, rejection(ended.signal)]);
  } catch (error) {
    working.then(drop, () => undefined);
    throw error;
  } finally {
    done.abort();
    signal.removeEventListener("abort", abort);
  }
}

/** Drops a connection. */
export function destroySocket(socket: Socket): void {
  socket.destroy();
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
