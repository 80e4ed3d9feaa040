import type { Socket } from "node:net";
import type { Clock } from "@holdfast/policy";
import { waitBounded } from "../../support/bounded-wait.ts";
import type { ProxyTimeouts } from "../timeouts.ts";

/** How long opening a connection may take. */
export interface ConnectLimits {
  /** Milliseconds for the whole of it: name lookup, all addresses, the proxy and TLS. */
  readonly connectLimit: number;
  /** Milliseconds for single phases of the connection through a proxy, as configured. */
  readonly proxyLimits?: ProxyTimeouts | undefined;
}

/** The limit of one step of opening a connection. */
export interface ConnectTimeout {
  readonly clock: Clock;
  /** Milliseconds. */
  readonly limit: number;
  readonly signal: AbortSignal;
  /** Returns the error to reject with after the limit. */
  readonly timeoutError: () => Error;
  /** Returns a number that grows as the step progresses: see `startLimit`. */
  readonly progress?: (() => number) | undefined;
}

/**
 * Runs a step of opening a connection within a limit. `work` receives a signal that is aborted at its limit. A result that
 * comes too late is passed to `discard`.
 *
 * @throws the error of `timeoutError`; the signal's reason; the errors of `work`.
 */
export async function withTimeout<T>(
  { clock, limit, signal, timeoutError, progress }: ConnectTimeout,
  work: (ended: AbortSignal) => Promise<T>,
  discard: (result: T) => void,
): Promise<T> {
  signal.throwIfAborted();
  const ended = new AbortController();
  const working = work(ended.signal);
  try {
    // A system resolver cannot be stopped, so that the wait must end without it.
    return await waitBounded(working, { clock, limit, signals: [signal], timeoutError, progress });
  } catch (error) {
    ended.abort(error);
    working.then(discard, () => undefined);
    throw error;
  }
}

/** Closes a socket that its owner no longer needs. */
export function destroySocket(socket: Socket): void {
  socket.destroy();
}
