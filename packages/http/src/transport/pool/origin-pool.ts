import { systemClock, type Clock } from "@holdfast/policy";
import { ConnectTimeoutError } from "../../errors/transport-errors.ts";
import { Connection, type ConnectionOrigin } from "./connection.ts";
import type { Connector } from "../connect/connector.ts";
import type { ConnectLimits } from "../connect/with-timeout.ts";
import { ownError } from "../../support/own-error.ts";
import type { IdleConnections } from "./idle-connections.ts";
import { WaitLimits } from "./wait-limits.ts";

/** A request that waits for a connection. */
export interface PendingRequest extends ConnectLimits {
  /** Receives a connection. The request returns it with `release`. */
  useConnection(connection: Connection): void;
  /** Called when no connection could be opened. */
  connectionFailed(error: unknown): void;
}

/** A connection that is being opened. */
interface Opening {
  readonly abort: AbortController;
  /** The request within whose limit it is opened. */
  readonly owner: PendingRequest;
}

/** Observes which pools can be removed. */
export interface PoolObserver {
  /** Called when a pool has become empty. */
  poolEmptied(): void;
  /** Called when a removed pool is used again, by a request that began before its removal. */
  removedPoolUsed(pool: OriginPool): void;
  /** Called when a server requires HTTP/1.1. The connector must not offer HTTP/2 to it any more. */
  http1Required(origin: string): void;
}

export interface OriginPoolOptions {
  readonly connector: Connector;
  /** Maximum number of connections. */
  readonly maxConnections: number;
  /** Whether a response with a malformed field is rejected. @default false */
  readonly strictHeaders?: boolean | undefined;
  /** Whether a new connection may turn out to be HTTP/2, which all requests share. */
  readonly mayMultiplex: boolean;
  /** The idle connections of all pools. */
  readonly idle: IdleConnections;
  readonly observer?: PoolObserver | undefined;
  /** @default the clock of the platform */
  readonly clock?: Clock | undefined;
}

/** The connections to one origin. They are kept alive between requests, and the latest used is reused first. */
export class OriginPool {
  readonly #origin: ConnectionOrigin;
  readonly #connector: Connector;
  readonly #maxConnections: number;
  /** The idle connections of HTTP/1.1, the latest used last. */
  readonly #idle: Connection[] = [];
  readonly #allIdle: IdleConnections;
  readonly #all = new Set<Connection>();
  /** Connections that accept no further request and still carry some. */
  readonly #leaving = new Set<Connection>();
  readonly #openings = new Set<Opening>();
  readonly #waiting = new Set<PendingRequest>();
  readonly #waitLimits: WaitLimits<PendingRequest>;
  /** Whether one connection serves all requests. Assumed until the first connection is open, when it may be HTTP/2. */
  #shared: boolean;
  #retired = false;
  readonly #observer: PoolObserver | undefined;
  /** Whether the pool was empty and its owner has removed it. */
  isRemoved = false;

  constructor(
    url: URL,
    {
      connector,
      maxConnections: limit,
      mayMultiplex,
      strictHeaders,
      idle,
      observer,
      clock,
    }: OriginPoolOptions,
  ) {
    this.#waitLimits = new WaitLimits(clock ?? systemClock, (request) => this.#waitedTooLong(request));
    this.#observer = observer;
    this.#origin = { url, strictHeaders };
    this.#connector = connector;
    this.#maxConnections = limit;
    this.#shared = mayMultiplex;
    this.#allIdle = idle;
  }

  /** Whether the pool has no connection, opens none, and no request waits. */
  get isEmpty(): boolean {
    return this.#all.size + this.#leaving.size + this.#openings.size + this.#waiting.size === 0;
  }

  /** Gives the request an idle connection unless `fresh` is set, or opens one, or queues the request. */
  acquire(request: PendingRequest, fresh = false): void {
    const connection = this.#shared ? this.#openConnection() : fresh ? undefined : this.#nextIdle();
    if (connection !== undefined) return this.#assign(request, connection);
    if (this.isRemoved) this.#observer?.removedPoolUsed(this);
    this.#waiting.add(request);
    // The connector keeps to the limit of the request that it opens a connection for.
    if (this.#shared && this.#openings.size > 0) this.#waitLimits.start(request);
    this.#openMore();
  }

  /** Takes a connection back, and gives it to the next waiting request if it is still open. */
  release(connection: Connection): void {
    connection.activeRequests -= 1;
    if (!connection.isOpen) return this.#remove(connection);
    const next = connection.multiplexed ? undefined : this.#nextWaiting();
    if (next === undefined) this.#becomeIdle(connection);
    else this.#assign(next, connection);
  }

  /**
   * Takes a connection back from within its own events, which may still end it. When no request waits, the connection becomes
   * idle immediately, and `acquire` checks it: a microtask would take 0.2 µs and an object of Node's for each request.
   */
  releaseSoon(connection: Connection): void {
    if (this.#waiting.size > 0 || connection.multiplexed || !connection.isOpen) {
      queueMicrotask(() => this.release(connection));
      return;
    }
    connection.activeRequests -= 1;
    this.#becomeIdle(connection);
  }

  /** Removes a waiting request, and stops opening connections that no other request needs. */
  cancel(request: PendingRequest): void {
    if (!this.#stopWaiting(request)) return;
    this.#abortUnwanted(request);
    this.#reportEmpty();
  }

  /** Stops openings that no waiting request needs, first that of the request which has left. */
  #abortUnwanted(left: PendingRequest): void {
    const wanted = this.#wantedOpenings;
    if (this.#openings.size <= wanted) return;
    const own = [...this.#openings].filter(({ owner }) => owner === left);
    for (const opening of [...own, ...[...this.#openings].toReversed()]) {
      if (this.#openings.size <= wanted) return;
      if (this.#openings.delete(opening))
        opening.abort.abort(new Error("No request waits for this connection"));
    }
  }

  /** Closes idle connections now and the others after their requests. Waiting requests are still served. */
  retire(): void {
    this.#retired = true;
    for (const connection of this.#all) this.#retireConnection(connection);
  }

  /**
   * Has all further requests use new connections. Idle connections close now, the others after the requests under way.
   */
  replaceConnections(): void {
    for (const connection of this.#all) {
      connection.stopAccepting();
      // A busy HTTP/1.1 connection counts until its request has ended, so that the maximum is never exceeded.
      if (connection.multiplexed || connection.activeRequests === 0) this.#remove(connection);
    }
  }

  /** Has all further requests use HTTP/1.1, because the server requires it (RFC 9113 §7, HTTP_1_1_REQUIRED). */
  #useHttp1(informer: Connection): void {
    informer.requiresHttp1 = false;
    this.#observer?.http1Required(this.#origin.url.origin);
    this.#shared = false;
    for (const connection of this.#all) if (connection.multiplexed) connection.stopAccepting();
  }

  /** Closes a connection after the requests under way. */
  #retireConnection(connection: Connection): void {
    connection.stopAccepting();
    this.#remove(connection);
  }

  /** Closes every connection. Requests that wait or are under way fail with the reason. */
  close(reason: Error): void {
    for (const request of this.#waiting) this.#failRequest(request, reason);
    for (const { abort } of this.#openings) abort.abort(reason);
    this.#openings.clear();
    for (const connection of [...this.#all, ...this.#leaving]) connection.destroy(reason);
  }

  #openConnection(): Connection | undefined {
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
    if (next !== undefined) this.#stopWaiting(next);
    return next;
  }

  /** Returns whether the request was waiting. */
  #stopWaiting(request: PendingRequest): boolean {
    this.#waitLimits.stop(request);
    return this.#waiting.delete(request);
  }

  #failRequest(request: PendingRequest, error: unknown): void {
    this.#stopWaiting(request);
    request.connectionFailed(error);
  }

  #waitedTooLong(request: PendingRequest): void {
    if (!this.#waiting.has(request)) return;
    this.cancel(request);
    request.connectionFailed(new ConnectTimeoutError(this.#origin.url.host, request.connectLimit));
  }

  /** Number of connections to open for the waiting requests. */
  get #wantedOpenings(): number {
    return this.#shared ? Math.min(1, this.#waiting.size) : this.#waiting.size;
  }

  #openMore(): void {
    const maxOpenings = Math.min(this.#wantedOpenings, this.#maxConnections - this.#all.size);
    if (this.#openings.size >= maxOpenings) return;
    const owners = new Set([...this.#openings].map(({ owner }) => owner));
    for (const request of this.#waiting) {
      if (this.#openings.size >= maxOpenings) return;
      if (!owners.has(request)) this.#open(request);
    }
  }

  #open(owner: PendingRequest): void {
    const opening = { abort: new AbortController(), owner };
    this.#openings.add(opening);
    this.#connector(this.#origin.url, owner, opening.abort.signal).then(
      (socket) => {
        if (this.#openings.delete(opening))
          this.#admit(new Connection(this.#origin, socket, this.#remove), owner);
        else socket.destroy();
      },
      (error: unknown) => {
        if (this.#openings.delete(opening)) this.#openingFailed(error, owner);
      },
    );
  }

  /** Gives a new connection to the request that it was opened for, or else to the first that waits. */
  #admit(connection: Connection, owner: PendingRequest): void {
    this.#all.add(connection);
    this.#shared = connection.multiplexed;
    if (!this.#shared) for (const request of this.#waiting) this.#waitLimits.stop(request);
    const next = this.#stopWaiting(owner) ? owner : this.#nextWaiting();
    if (next !== undefined) this.#assign(next, connection);
    else this.#becomeIdle(connection);
    if (connection.multiplexed) for (const request of this.#waiting) this.#assignNext(request, connection);
    if (this.#retired) this.#retireConnection(connection);
    this.#openMore();
  }

  #assignNext(request: PendingRequest, connection: Connection): void {
    this.#stopWaiting(request);
    this.#assign(request, connection);
  }

  #assign(request: PendingRequest, connection: Connection): void {
    this.#allIdle.remove(connection);
    connection.activeRequests += 1;
    request.useConnection(connection);
  }

  #becomeIdle(connection: Connection): void {
    if (connection.activeRequests > 0) return;
    if (!connection.multiplexed) this.#idle.push(connection);
    this.#allIdle.add(connection);
  }

  /**
   * Fails all waiting requests when they share one connection, and otherwise the one that it was opened for, if it still waits.
   * After a limit, those that have time left wait for another connection.
   */
  #openingFailed(error: unknown, owner: PendingRequest): void {
    const tooLate = hasTimedOut(error);
    const failed = [...this.#waiting].filter((request) =>
      this.#shared ? !tooLate || !this.#waitLimits.mayWaitAgain(request) : request === owner,
    );
    for (const [place, request] of failed.entries())
      this.#failRequest(request, place === 0 ? error : ownError(error));
    this.#openMore();
    this.#reportEmpty();
  }

  #reportEmpty(): void {
    if (this.isEmpty) this.#observer?.poolEmptied();
  }

  /** Removes a connection that accepts no further request. Requests under way continue. */
  readonly #remove = (connection: Connection): void => {
    if (connection.requiresHttp1) this.#useHttp1(connection);
    this.#allIdle.remove(connection);
    const busy = connection.activeRequests > 0 && !connection.isClosed;
    if (busy) this.#leaving.add(connection);
    else this.#leaving.delete(connection);
    if (!busy && !connection.isClosed) connection.destroy();
    if (this.#all.delete(connection)) {
      const place = this.#idle.indexOf(connection);
      if (place !== -1) this.#idle.splice(place, 1);
      this.#openMore();
    }
    this.#reportEmpty();
  };
}

/** Returns whether a connection failed because a limit passed, its own or that of its proxy's phase. */
function hasTimedOut(error: unknown): boolean {
  if (error instanceof ConnectTimeoutError) return true;
  return error instanceof Error && error.cause instanceof ConnectTimeoutError;
}
