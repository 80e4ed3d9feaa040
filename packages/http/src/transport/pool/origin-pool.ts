import { Connection } from "./connection.ts";
import type { Connector } from "../connect/connector.ts";
import type { ConnectLimits } from "../connect/with-timeout.ts";

/** Something that waits for a connection and then uses it. */
export interface PendingRequest extends ConnectLimits {
  /** Gives it a connection; it calls `release` when it has done with it. */
  useConnection(connection: Connection): void;
  /** Says that no connection could be made. */
  connectionFailed(error: unknown): void;
}

export interface OriginPoolOptions {
  readonly connector: Connector;
  /** The most connections at the same time. */
  readonly maxConnections: number;
  /** Whether a connection may turn out to be one that all requests can share. */
  readonly mayMultiplex: boolean;
}

/** The connections to one origin: kept alive between requests, the latest used first, never more than `limit`. */
export class OriginPool {
  readonly #origin: URL;
  readonly #connector: Connector;
  readonly #limit: number;
  readonly #idle: Connection[] = [];
  readonly #all = new Set<Connection>();
  /** Closed to new requests, but with some under way. */
  readonly #leaving = new Set<Connection>();
  readonly #openings = new Set<AbortController>();
  readonly #waiting = new Set<PendingRequest>();
  /** One connection is for all: so it is, or so it may turn out when it is open. */
  #shared: boolean;
  #retired = false;

  constructor(origin: URL, { connector, maxConnections: limit, mayMultiplex }: OriginPoolOptions) {
    this.#origin = origin;
    this.#connector = connector;
    this.#limit = limit;
    this.#shared = mayMultiplex;
  }

  /** Whether nothing is open, being opened, or waited for. */
  get isEmpty(): boolean {
    return this.#all.size + this.#leaving.size + this.#openings.size + this.#waiting.size === 0;
  }

  /** Finds the passenger a connection: an idle one unless a new one is asked for, else a new one, else its turn. */
  acquire(passenger: PendingRequest, fresh = false): void {
    const connection = this.#shared ? this.#sharedOne() : fresh ? undefined : this.#nextIdle();
    if (connection !== undefined) return assign(passenger, connection);
    this.#waiting.add(passenger);
    this.#openMore();
  }

  /** Gives a connection back: the next in line gets it, if it is still good. */
  release(connection: Connection): void {
    connection.activeRequests -= 1;
    if (!connection.isOpen) return this.#forget(connection);
    if (connection.multiplexed) return;
    const next = this.#nextWaiting();
    if (next === undefined) this.#idle.push(connection);
    else assign(next, connection);
  }

  /**
   * Gives a connection back from within its own events, which may not have ended it yet. Where nobody waits for it, the
   * next taker sees what came of it; putting it off would take 0.2 µs and an object of Node's for each request.
   */
  releaseSoon(connection: Connection): void {
    if (this.#waiting.size > 0 || connection.multiplexed || !connection.isOpen) {
      queueMicrotask(() => this.release(connection));
      return;
    }
    connection.activeRequests -= 1;
    this.#idle.push(connection);
  }

  /** Forgets a passenger, and lets go of what was being opened for it alone. */
  cancel(passenger: PendingRequest): void {
    if (!this.#waiting.delete(passenger)) return;
    for (const opening of [...this.#openings].slice(this.#wantedOpenings)) {
      this.#openings.delete(opening);
      opening.abort(new Error("No longer wanted"));
    }
  }

  /** Closes what is idle, and every connection else when its request has ended; whoever waits is still served. */
  retire(): void {
    this.#retired = true;
    for (const connection of this.#all) this.#dismiss(connection);
  }

  /**
   * Sends whoever comes from here on over new connections: what is idle closes, and what is in use carries what is under
   * way on it, and nothing more.
   */
  replaceConnections(): void {
    for (const connection of this.#all) {
      connection.stopAccepting();
      // One request to a connection: it keeps its place until that is over, so that there are never more than allowed.
      if (connection.multiplexed || connection.activeRequests === 0) this.#forget(connection);
    }
  }

  /** Lets a connection carry what is under way on it, and nothing more. */
  #dismiss(connection: Connection): void {
    connection.stopAccepting();
    this.#forget(connection);
  }

  /** Drops every connection; whatever waits or is under way fails with the reason. */
  close(reason: Error): void {
    for (const passenger of this.#waiting) this.#strand(passenger, reason);
    for (const opening of this.#openings) opening.abort(reason);
    this.#openings.clear();
    for (const connection of [...this.#all, ...this.#leaving]) connection.destroy(reason);
  }

  #sharedOne(): Connection | undefined {
    for (const connection of this.#all) if (connection.isOpen) return connection;
    return undefined;
  }

  #nextIdle(): Connection | undefined {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.isOpen) return connection;
    }
    return undefined;
  }

  #nextWaiting(): PendingRequest | undefined {
    const [next] = this.#waiting;
    if (next !== undefined) this.#waiting.delete(next);
    return next;
  }

  #strand(passenger: PendingRequest, error: unknown): void {
    this.#waiting.delete(passenger);
    passenger.connectionFailed(error);
  }

  /** How many openings those who wait are worth. */
  get #wantedOpenings(): number {
    return this.#shared ? Math.min(1, this.#waiting.size) : this.#waiting.size;
  }

  #openMore(): void {
    const [first] = this.#waiting;
    if (first === undefined) return;
    const most = Math.min(this.#wantedOpenings, this.#limit - this.#all.size);
    while (this.#openings.size < most) this.#open(first);
  }

  #open(limits: ConnectLimits): void {
    const opening = new AbortController();
    this.#openings.add(opening);
    this.#connector(this.#origin, limits, opening.signal).then(
      (socket) => {
        if (this.#openings.delete(opening)) this.#admit(new Connection(this.#origin, socket, this.#forget));
        else socket.destroy();
      },
      (error: unknown) => {
        if (this.#openings.delete(opening)) this.#lose(error);
      },
    );
  }

  #admit(connection: Connection): void {
    this.#all.add(connection);
    this.#shared = connection.multiplexed;
    const next = this.#nextWaiting();
    if (next !== undefined) assign(next, connection);
    else if (!connection.multiplexed) this.#idle.push(connection);
    if (connection.multiplexed) for (const passenger of this.#waiting) this.#boardToo(passenger, connection);
    if (this.#retired) this.#dismiss(connection);
    this.#openMore();
  }

  #boardToo(passenger: PendingRequest, connection: Connection): void {
    this.#waiting.delete(passenger);
    assign(passenger, connection);
  }

  /** An opening that all waited for has failed for all, any other for the first in line. */
  #lose(error: unknown): void {
    const losers = [...this.#waiting].slice(0, this.#shared ? Infinity : 1);
    for (const passenger of losers) this.#strand(passenger, error);
    this.#openMore();
  }

  /** Counts a connection out that takes no further request; what is under way on it goes on. */
  readonly #forget = (connection: Connection): void => {
    const busy = connection.activeRequests > 0 && !connection.isClosed;
    if (busy) this.#leaving.add(connection);
    else this.#leaving.delete(connection);
    if (!busy && !connection.isClosed) connection.destroy();
    if (!this.#all.delete(connection)) return;
    const place = this.#idle.indexOf(connection);
    if (place !== -1) this.#idle.splice(place, 1);
    this.#openMore();
  };
}

function assign(passenger: PendingRequest, connection: Connection): void {
  connection.activeRequests += 1;
  passenger.useConnection(connection);
}
