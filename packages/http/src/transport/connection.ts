import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Dispatcher } from "undici";
import Client from "undici/lib/dispatcher/client.js";

/** The connection was gone before a byte of the request was written to it. */
export class StaleConnection extends Error {}

/** Why a socket ended, and how much it carried: what undici does not tell. */
export interface Evidence {
  /** The socket's own error, such as a reset; undefined after an orderly end. */
  readonly failure: Error | undefined;
  /** Bytes given to the socket so far, by all requests. */
  readonly bytesWritten: number;
}

/** One socket and the undici client that speaks HTTP on it: it never reconnects, so that whatever happens has one place. */
export class Connection implements Evidence {
  readonly #socket: Socket;
  readonly #client: Client;
  readonly #servername: string | undefined;
  failure: Error | undefined;
  /** How many requests it has carried. */
  uses = 0;
  /** Requests under way. */
  active = 0;

  constructor(origin: URL, socket: Socket | TLSSocket, onClose: (connection: Connection) => void) {
    this.#socket = socket;
    this.#servername = origin.protocol === "https:" ? origin.hostname : undefined;
    // First in line: the reason must be known before undici reports the end.
    socket.on("error", (error: Error) => (this.failure = error));
    socket.once("close", () => onClose(this));
    let handed = false;
    this.#client = new Client(origin, {
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      allowH2: this.multiplexed,
      connect: (_options: object, callback: (...result: [null, Socket] | [Error, null]) => void): void => {
        const usable = !handed && !socket.destroyed;
        handed = true;
        // undici misses an answer that comes before it has finished asking.
        queueMicrotask(() => (usable ? callback(null, socket) : callback(new StaleConnection(), null)));
      },
    });
  }

  /** Whether many requests share it (HTTP/2). */
  get multiplexed(): boolean {
    return "alpnProtocol" in this.#socket && this.#socket.alpnProtocol === "h2";
  }

  get bytesWritten(): number {
    return this.#socket.bytesWritten;
  }

  /** Whether another request may go out on it. */
  get open(): boolean {
    return !this.#socket.destroyed && this.#socket.writable && !this.#socket.readableEnded;
  }

  /** Bytes written that the kernel has not taken yet. */
  get bytesWaiting(): number {
    return this.#socket.writableLength;
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.uses += 1;
    this.active += 1;
    this.#client.dispatch(this.#servername === undefined ? options : withServername(options, this.#servername), handler);
  }

  /** Drops the socket at once. */
  destroy(): void {
    void this.#client.destroy();
    this.#socket.destroy();
  }
}

// undici would reconnect under another name if a request's Host header differed from the certificate's.
function withServername(options: Dispatcher.DispatchOptions, servername: string): Dispatcher.DispatchOptions {
  return Object.assign(options, { servername });
}
