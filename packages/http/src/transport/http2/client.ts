import type { Socket } from "node:net";
import symbols from "undici/lib/core/symbols.js";
import Client from "undici/lib/dispatcher/client.js";
import { isGoawayMessage, StaleConnection } from "../errors/undici-errors.ts";
import { SessionTracker } from "./session-tracker.ts";
import type { ResponseListener, OutgoingRequest, HttpClient } from "../wire/protocol.ts";
import { StreamListener } from "./stream-listener.ts";

// What HTTP/1.1 bears too.
const maxHeaderListBytes = 256 * 1024;

/** HTTP/2 on one socket, by an undici client that never reconnects. */
export class Http2Client implements HttpClient {
  readonly #socket: Socket;
  readonly #client: Client;
  readonly #servername: string;
  readonly #session = new SessionTracker();
  #handed = false;
  #leaving = false;

  /** `retire` is told that no further request may go out. */
  constructor(origin: URL, socket: Socket, retire: () => void) {
    this.#socket = socket;
    this.#servername = origin.hostname;
    // Until undici has it, and from then on undici lets it rest: a connection that nobody uses keeps no program alive.
    socket.unref();
    this.#client = new Client(origin, {
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: maxHeaderListBytes,
      allowH2: true,
      connect: (_options: object, callback: (...result: [null, Socket] | [Error, null]) => void): void =>
        this.#connect(callback),
    });
    this.#client.once("connect", () => this.#session.watch(this.#client[symbols.kHTTP2Session]));
    // A GOAWAY ends the connection for new requests long before the socket closes (RFC 9113 §6.8).
    this.#client.once("disconnect", (_origin, _targets, error) => {
      this.#leaving = isGoawayMessage(error);
      retire();
      // What the GOAWAY leaves out would wait in undici until the rest is done.
      if (this.#leaving) void this.#client.destroy(new StaleConnection(true));
    });
  }

  dispatch(request: OutgoingRequest, listener: ResponseListener): void {
    // undici would reconnect under another name if a request's Host header differed from the certificate's.
    const heard = new StreamListener(listener, request.method, this.#session);
    this.#client.dispatch({ ...request, servername: this.#servername }, heard);
  }

  destroy(reason?: Error): void {
    void this.#client.destroy(reason ?? null);
    this.#socket.destroy(reason);
  }

  /** Gives undici the socket the first time, and ends what still waits for one the second time. */
  #connect(callback: (...result: [null, Socket] | [Error, null]) => void): void {
    if (this.#handed || this.#socket.destroyed)
      return void this.#client.destroy(new StaleConnection(this.#leaving));
    this.#handed = true;
    this.#socket.ref();
    // undici misses an answer that comes before it has finished asking.
    queueMicrotask(() => callback(null, this.#socket));
  }
}
