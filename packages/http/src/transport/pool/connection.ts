import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { Http1Client } from "../http1/client.ts";
import { createHttp2Client } from "../http2/loader.ts";
import { findConnectionPhases } from "../connect/connect-timings.ts";
import type { IdleConnection } from "./idle-connections.ts";
import type { ConnectionPhases } from "../../model/trace.ts";
import type { ResponseListener, OutgoingRequest, HttpClient } from "../wire/protocol.ts";

/** The origin of a connection, and how its responses are read. */
export interface ConnectionOrigin {
  readonly url: URL;
  /** Whether a response with a malformed field is rejected. @default false */
  readonly strictHeaders?: boolean | undefined;
}

/** One socket and the client that speaks HTTP on it. It never reconnects. */
export class Connection implements IdleConnection {
  readonly socket: Socket;
  readonly #client: HttpClient;
  #isRetired = false;
  /** Whether requests share the connection (HTTP/2). */
  readonly multiplexed: boolean;
  /** Whether the server does not serve requests over HTTP/2, although it negotiated it. */
  requiresHttp1 = false;
  /** The reason given to `destroy`. */
  destroyReason: Error | undefined;
  /** Number of requests carried so far. */
  requestCount = 0;
  /** Number of requests under way. */
  activeRequests = 0;
  isListedIdle = false;
  nextIdle: IdleConnection | undefined;
  previousIdle: IdleConnection | undefined;

  /** `onClose` is called when the connection accepts no further request, and again when its socket has closed. */
  constructor(
    { url, strictHeaders }: ConnectionOrigin,
    socket: Socket | TLSSocket,
    onClose: (connection: Connection) => void,
  ) {
    this.socket = socket;
    this.multiplexed = "alpnProtocol" in socket && socket.alpnProtocol === "h2";
    // Registered before the client's listeners: no request may use the connection after its end was reported.
    socket.once("close", () => onClose(this));
    this.#client = this.multiplexed
      ? createHttp2Client(url, socket, (requiresHttp1) => {
          this.stopAccepting();
          if (requiresHttp1) this.requiresHttp1 = true;
          onClose(this);
        })
      : new Http1Client(socket, { host: url.host, strictHeaders }, () => this.stopAccepting());
  }

  /** How long each phase of opening the connection took. */
  get phases(): ConnectionPhases | undefined {
    return findConnectionPhases(this.socket);
  }

  /** Bytes written so far, by all requests. */
  get bytesWritten(): number {
    return this.socket.bytesWritten;
  }

  /** Number of signs of progress so far, of all requests (HTTP/2). */
  get progress(): number {
    return this.#client.progress;
  }

  /** Bytes written that the kernel has not taken yet. */
  get bytesWaiting(): number {
    return this.socket.writableLength;
  }

  /** Whether another request may use the connection. */
  get isOpen(): boolean {
    return !this.#isRetired && !this.socket.destroyed && this.socket.writable && !this.socket.readableEnded;
  }

  /** Whether the socket is closed. */
  get isClosed(): boolean {
    return this.socket.destroyed;
  }

  /** Whether an earlier request has ended on the connection. For requests that share a new connection it is new. */
  get isReused(): boolean {
    return this.requestCount >= this.activeRequests;
  }

  dispatch(request: OutgoingRequest, listener: ResponseListener): void {
    this.requestCount += 1;
    this.#client.dispatch(request, listener);
  }

  /** Removes a request that has not gone out, so that it keeps no place. */
  cancel(listener: ResponseListener): void {
    this.#client.cancel(listener);
  }

  /** Closes the connection if it is dead, for a request that waits. */
  checkAlive(now: number, readLimit: number): void {
    this.#client.checkAlive(now, readLimit);
  }

  /** Accepts no further request. Requests under way continue. */
  stopAccepting(): void {
    this.#isRetired = true;
  }

  /** Closes the socket. Requests under way fail with the reason. */
  destroy(reason?: Error): void {
    this.destroyReason ??= reason;
    this.#client.destroy(reason);
  }
}
