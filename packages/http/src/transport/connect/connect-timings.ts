import type { Socket } from "node:net";
import type { Clock } from "@holdfast/policy";
import { TransportError, type Phase } from "../../errors/transport-errors.ts";
import type { ConnectionPhases } from "../../model/trace.ts";

/** The phases by the socket that was opened, or by the error that ended the opening. */
const recordedPhases = new WeakMap<object, ConnectionPhases>();

/** Measures how long each phase of opening one connection takes. */
export class ConnectTimings {
  readonly #clock: Clock;
  readonly #phases: Partial<Record<keyof ConnectionPhases, number>> = {};
  #since: number;
  #ended = 0;
  #socket: Socket | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.now();
  }

  /** Adds the time since the previous phase ended to this phase. */
  readonly phaseEnded = (phase: keyof ConnectionPhases): void => {
    const now = this.#clock.now();
    this.#phases[phase] = (this.#phases[phase] ?? 0) + now - this.#since;
    this.#since = now;
    this.#ended += 1;
  };

  /** Records the TCP connection, to count its bytes as progress. Returns the connection. */
  readonly observeSocket = (socket: Socket): Socket => {
    this.#socket = socket;
    return socket;
  };

  /** Returns a number that grows with each phase that ends, and with each byte that arrives. */
  readonly progress = (): number => this.#ended + (this.#socket?.bytesRead ?? 0);

  hasEnded(phase: keyof ConnectionPhases): boolean {
    return this.#phases[phase] !== undefined;
  }

  /** Stores the times, including the unfinished phase, with the error that ended the opening. Throws that error. */
  readonly attachToError = (error: unknown): never => {
    if (error instanceof TransportError) {
      const phase = connectionPhases[error.phase];
      // An error of the phase "proxy" may mean that the proxy was not reached.
      if (phase !== undefined) this.phaseEnded(phase === "proxy" && !this.hasEnded("tcp") ? "tcp" : phase);
      recordedPhases.set(error, this.#phases);
    }
    throw error;
  };

  /** Stores the times with the open socket. Returns that socket. */
  readonly attachToSocket = (socket: Socket): Socket => {
    recordedPhases.set(socket, this.#phases);
    return socket;
  };
}

const connectionPhases: { readonly [Name in Phase]?: keyof ConnectionPhases } = {
  dns: "dns",
  connect: "tcp",
  proxy: "proxy",
  tls: "tls",
};

/** Returns the times stored with a socket or with an error; undefined when nothing was measured. */
export function findConnectionPhases(opening: unknown): ConnectionPhases | undefined {
  if (typeof opening !== "object" || opening === null) return undefined;
  // Requests that share an opening get errors that inherit from the first (`ownError`).
  return recordedPhases.get(opening) ?? findConnectionPhases(Object.getPrototypeOf(opening));
}
