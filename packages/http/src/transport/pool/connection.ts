import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { Http1Client } from "../http1/client.ts";
import { createHttp2Client } from "../http2/loader.ts";
import { findConnectionPhases } from "../connect/connect-timings.ts";
import type { ConnectionPhases } from "../../model/trace.ts";
import type { ResponseListener, OutgoingRequest, HttpClient } from "../wire/protocol.ts";

/** One socket and what speaks HTTP on it: it never reconnects, so that whatever happens has one place. */
export class Connection {
  readonly #socket: Socket;
  readonly #speaker: HttpClient;
  #leaving = false;
  /** Whether many requests share it (HTTP/2). */
  readonly multiplexed: boolean;
  /** Why it was dropped from this side, where a reason was given. */
  destroyReason: Error | undefined;
  /** How many requests it has carried. */
  requestCount = 0;
  /** Requests under way. */
  activeRequests = 0;

  /** `onClose` hears that no further request can go out on it, and again that its socket has closed. */
  constructor(origin: URL, socket: Socket | TLSSocket, onClose: (connection: Connection) => void) {
    this.#socket = socket;
    this.multiplexed = "alpnProtocol" in socket && socket.alpnProtocol === "h2";
    // First in line: nobody may board it from the moment that its end is reported.
    socket.once("close", () => onClose(this));
    this.#speaker = this.multiplexed
      ? createHttp2Client(origin, socket, () => {
          this.stopAccepting();
          onClose(this);
        })
      : new Http1Client(socket, origin.host, () => this.stopAccepting());
  }

  /** How long each leg of opening it took. */
  get phases(): ConnectionPhases | undefined {
    return findConnectionPhases(this.#socket);
  }

  /** Bytes given to the socket so far, by all requests. */
  get bytesWritten(): number {
    return this.#socket.bytesWritten;
  }

  /** Bytes that have come so far, for all requests. */
  get bytesRead(): number {
    return this.#socket.bytesRead;
  }

  /** Bytes written that the kernel has not taken yet. */
  get bytesWaiting(): number {
    return this.#socket.writableLength;
  }

  /** Whether another request may go out on it. */
  get isOpen(): boolean {
    return !this.#leaving && !this.#socket.destroyed && this.#socket.writable && !this.#socket.readableEnded;
  }

  /** Whether its socket is gone. */
  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  /** Whether, as a request boards it, an earlier one has been and gone: requests that share a new connection find it new. */
  get isReused(): boolean {
    return this.requestCount >= this.activeRequests;
  }

  dispatch(request: OutgoingRequest, listener: ResponseListener): void {
    this.requestCount += 1;
    this.#speaker.dispatch(request, listener);
  }

  /** Takes no further request; those under way go on. */
  stopAccepting(): void {
    this.#leaving = true;
  }

  /** Drops the socket at once; what is under way fails with the reason. */
  destroy(reason?: Error): void {
    this.destroyReason ??= reason;
    this.#speaker.destroy(reason);
  }
}
