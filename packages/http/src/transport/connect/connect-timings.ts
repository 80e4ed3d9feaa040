import type { Socket } from "node:net";
import type { Clock } from "@holdfast/policy";
import { TransportError, type Phase } from "../../errors/transport-errors.ts";
import type { ConnectionPhases } from "../../model/trace.ts";

/** By the connection that an opening led to, or by the error that ended it. */
const recordedPhases = new WeakMap<object, ConnectionPhases>();

/** A watch on the opening of one connection: how long each of its legs takes. */
export class ConnectTimings {
  readonly #clock: Clock;
  readonly #legs: Partial<Record<keyof ConnectionPhases, number>> = {};
  #since: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.now();
  }

  /** Takes note that a leg has ended: what passed since the one before is its time. */
  readonly phaseEnded = (leg: keyof ConnectionPhases): void => {
    const now = this.#clock.now();
    this.#legs[leg] = (this.#legs[leg] ?? 0) + now - this.#since;
    this.#since = now;
  };

  /** Whether this leg has ended. */
  hasEnded(leg: keyof ConnectionPhases): boolean {
    return this.#legs[leg] !== undefined;
  }

  /** Keeps the times with the error that ended the opening, the time of its last leg included; throws it on. */
  readonly attachToError = (error: unknown): never => {
    if (error instanceof TransportError) {
      const leg = connectionPhases[error.phase];
      // What a proxy is blamed for may be that it was not reached.
      if (leg !== undefined) this.phaseEnded(leg === "proxy" && !this.hasEnded("tcp") ? "tcp" : leg);
      recordedPhases.set(error, this.#legs);
    }
    throw error;
  };

  /** Keeps the times with the connection that they led to. */
  readonly attachToSocket = (socket: Socket): Socket => {
    recordedPhases.set(socket, this.#legs);
    return socket;
  };
}

const connectionPhases: { readonly [Name in Phase]?: keyof ConnectionPhases } = {
  dns: "dns",
  connect: "tcp",
  proxy: "proxy",
  tls: "tls",
};

/** How long each leg took of the opening of a connection, or of one that ended with an error; undefined where nobody looked. */
export function findConnectionPhases(opening: unknown): ConnectionPhases | undefined {
  return typeof opening === "object" && opening !== null ? recordedPhases.get(opening) : undefined;
}
