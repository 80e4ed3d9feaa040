import { Connection } from "./connection.ts";
import type { Connector } from "./connector.ts";

/** Something that waits for a connection and then uses it. */
export interface Passenger {
  /** Milliseconds that opening a connection for it may take. */
  readonly connectLimit: number;
  /** Whether it no longer wants one. */
  readonly gone: boolean;
  /** Gives it a connection; it calls `release` when it has done with it. */
  board(connection: Connection): void;
  /** Says that no connection could be made. */
  strand(error: unknown): void;
}

/** The connections to one origin: kept alive between requests, the latest used first, never more than `limit`. */
export class OriginPool {
  readonly #origin: URL;
  readonly #connector: Connector;
  readonly #limit: number;
  readonly #idle: Connection[] = [];
  readonly #all = new Set<Connection>();
  readonly #openings = new Set<AbortController>();
  #waiting: Passenger[] = [];

  constructor(origin: URL, connector: Connector, limit: number) {
    this.#origin = origin;
    this.#connector = connector;
    this.#limit = limit;
  }

  /** Connections open, or being opened. */
  get size(): number {
    return this.#all.size + this.#openings.size;
  }

  /** Finds the passenger a connection: an idle one unless a new one is asked for, else a new one, else its turn. */
  take(passenger: Passenger, fresh = false): void {
    const connection = fresh ? undefined : this.#nextIdle();
    if (connection !== undefined) return passenger.board(connection);
    this.#waiting.push(passenger);
    this.#openMore(passenger.connectLimit);
  }

  /** Gives a connection back: the next in line gets it, if it is still good. */
  release(connection: Connection): void {
    connection.active -= 1;
    if (!connection.open) return this.#forget(connection);
    const next = this.#nextWaiting();
    if (next !== undefined) return next.board(connection);
    if (!connection.multiplexed) this.#idle.push(connection);
  }

  /** Lets go of what only passengers wait for that have left. */
  cancel(): void {
    this.#waiting = this.#waiting.filter(({ gone }) => !gone);
    for (const opening of [...this.#openings].slice(this.#waiting.length)) opening.abort(new Error("No longer wanted"));
  }

  close(reason: Error): void {
    for (const passenger of this.#waiting.splice(0)) passenger.strand(reason);
    for (const opening of this.#openings) opening.abort(reason);
    for (const connection of this.#all) connection.destroy();
  }

  #nextIdle(): Connection | undefined {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.open) return connection;
    }
    for (const connection of this.#all) {
      if (connection.multiplexed && connection.open) return connection;
    }
    return undefined;
  }

  #nextWaiting(): Passenger | undefined {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (!next.gone) return next;
    }
    return undefined;
  }

  #openMore(connectLimit: number): void {
    if (this.size >= this.#limit || this.#openings.size >= this.#waiting.length) return;
    const opening = new AbortController();
    this.#openings.add(opening);
    this.#connector(this.#origin, connectLimit, opening.signal)
      .finally(() => this.#openings.delete(opening))
      .then(
        (socket) => this.#admit(new Connection(this.#origin, socket, (closed) => this.#forget(closed))),
        (error: unknown) => {
          this.#nextWaiting()?.strand(error);
          this.#openForNext();
        },
      );
  }

  #admit(connection: Connection): void {
    this.#all.add(connection);
    const next = this.#nextWaiting();
    if (next !== undefined) next.board(connection);
    else if (!connection.multiplexed) this.#idle.push(connection);
    if (connection.multiplexed) this.#boardAll(connection);
  }

  #boardAll(connection: Connection): void {
    for (let next = this.#nextWaiting(); next !== undefined; next = this.#nextWaiting()) next.board(connection);
  }

  #forget(connection: Connection): void {
    if (!this.#all.delete(connection)) return;
    connection.destroy();
    const place = this.#idle.indexOf(connection);
    if (place !== -1) this.#idle.splice(place, 1);
    this.#openForNext();
  }

  #openForNext(): void {
    const [next] = this.#waiting;
    if (next !== undefined) this.#openMore(next.connectLimit);
  }
}
