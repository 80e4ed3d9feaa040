import type { Socket } from "node:net";
import type { Clock } from "@holdfast/policy";
import type { ConnectionLegs } from "../trace.ts";

const kept = new WeakMap<Socket, ConnectionLegs>();

/** A watch on the opening of one connection: how long each of its legs takes. */
export class LegTimes {
  readonly #clock: Clock;
  readonly #legs: Partial<Record<keyof ConnectionLegs, number>> = {};
  #since: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.now();
  }

  /** Takes note that a leg has ended: what passed since the one before is its time. */
  readonly ended = (leg: keyof ConnectionLegs): void => {
    const now = this.#clock.now();
    this.#legs[leg] = (this.#legs[leg] ?? 0) + now - this.#since;
    this.#since = now;
  };

  /** Keeps the times with the connection that they led to. */
  readonly of = (socket: Socket): Socket => {
    kept.set(socket, this.#legs);
    return socket;
  };
}

/** How long each leg of opening a connection took; undefined where nobody looked. */
export function legsOf(socket: Socket): ConnectionLegs | undefined {
  return kept.get(socket);
}
