import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { Http1Client } from "../http1/client.ts";
import { http2Speaker } from "../http2/loader.ts";
import { legsOf } from "../connect/connect-timings.ts";
import type { ConnectionLegs } from "../../model/trace.ts";
import type { Listener, Outgoing, Speaker } from "../wire/protocol.ts";

/** One socket and what speaks HTTP on it: it never reconnects, so that whatever happens has one place. */
export class Connection {
  readonly #socket: Socket;
  readonly #speaker: Speaker;
  #leaving = false;
  /** Whether many requests share it (HTTP/2). */
  readonly multiplexed: boolean;
  /** Why it was dropped from this side, where a reason was given. */
  dropped: Error | undefined;
  /** How many requests it has carried. */
  uses = 0;
  /** Requests under way. */
  active = 0;

  /** `onClose` hears that no further request can go out on it, and again that its socket has closed. */
  constructor(origin: URL, socket: Socket | TLSSocket, onClose: (connection: Connection) => void) {
    this.#socket = socket;
    this.multiplexed = "alpnProtocol" in socket && socket.alpnProtocol === "h2";
    // First in line: nobody may board it from the moment that its end is reported.
    socket.once("close", () => onClose(this));
    this.#speaker = this.multiplexed
      ? http2Speaker(origin, socket, () => {
          this.leave();
          onClose(this);
        })
      : new Http1Client(socket, origin.host, () => this.leave());
  }

  /** How long each leg of opening it took. */
  get legs(): ConnectionLegs | undefined {
    return legsOf(this.#socket);
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
  get open(): boolean {
    return !this.#leaving && !this.#socket.destroyed && this.#socket.writable && !this.#socket.readableEnded;
  }

  /** Whether its socket is gone. */
  get closed(): boolean {
    return this.#socket.destroyed;
  }

  /** Whether, as a request boards it, an earlier one has been and gone: requests that share a new connection find it new. */
  get used(): boolean {
    return this.uses >= this.active;
  }

  dispatch(request: Outgoing, listener: Listener): void {
    this.uses += 1;
    this.#speaker.dispatch(request, listener);
  }

  /** Takes no further request; those under way go on. */
  leave(): void {
    this.#leaving = true;
  }

  /** Drops the socket at once; what is under way fails with the reason. */
  destroy(reason?: Error): void {
    this.dropped ??= reason;
    this.#speaker.destroy(reason);
  }
}
