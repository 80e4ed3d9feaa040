import type { Socket } from "node:net";
import symbols from "undici/lib/core/symbols.js";
import Client from "undici/lib/dispatcher/client.js";
import { isUndiciGoaway, StaleConnection } from "../errors/undici-errors.ts";
import { checkLength, isBodyPieces, lengthMismatch, parseDeclaredLength } from "../wire/body-length.ts";
import { SessionTracker } from "./session-tracker.ts";
import type { ExchangeController, HttpClient, OutgoingRequest, ResponseListener } from "../wire/protocol.ts";
import { StreamListener } from "./stream-listener.ts";

// The same limit as for HTTP/1.1.
const maxHeaderListBytes = 256 * 1024;

/** The controller of a request that never went out. */
const unsent: ExchangeController = {
  abort: () => undefined,
  pause: () => undefined,
  resume: () => undefined,
};

/** Speaks HTTP/2 on one socket, through an undici client that never reconnects. */
export class Http2Client implements HttpClient {
  readonly #socket: Socket;
  readonly #client: Client;
  readonly #servername: string;
  readonly #session = new SessionTracker();
  #hasSocket = false;
  #hasGoaway = false;

  /** `retire` is called when the connection accepts no further request. */
  constructor(origin: URL, socket: Socket, retire: () => void) {
    this.#socket = socket;
    this.#servername = origin.hostname;
    // An unused connection must not keep the process alive. Later undici takes care of that.
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
      this.#hasGoaway = isUndiciGoaway(error);
      retire();
      // Excluded requests would otherwise wait in undici until the others have ended.
      if (this.#hasGoaway) void this.#client.destroy(new StaleConnection(true));
    });
  }

  dispatch(request: OutgoingRequest, listener: ResponseListener): void {
    const { headers, body = null } = request;
    try {
      const declared = headers["content-length"];
      const length = declared === undefined ? undefined : parseDeclaredLength(declared);
      if (!isBodyPieces(body)) {
        const actual = body === null ? 0 : Buffer.byteLength(body);
        if (length !== undefined && actual !== length) throw lengthMismatch(length, actual);
        return this.#dispatch(request, listener);
      }
      if (length !== 0) return this.#dispatch(request, listener, checkLength(body, length));
      // undici does not read a body whose declared length is 0.
      checkLength(body, length)
        .next()
        .then(
          () => this.#dispatch({ ...request, body: "" }, listener),
          (error: unknown) => listener.onResponseError(unsent, error),
        );
    } catch (error) {
      listener.onResponseError(unsent, error);
    }
  }

  #dispatch(request: OutgoingRequest, listener: ResponseListener, pieces?: AsyncIterable<Uint8Array>): void {
    const streamListener = new StreamListener(listener, request.method, this.#session);
    const body = pieces === undefined ? request.body : reportSent(request.body, pieces, streamListener);
    // Without `servername`, undici would reconnect when a Host header differs from the name in the certificate.
    this.#client.dispatch({ ...request, body, servername: this.#servername }, streamListener);
  }

  destroy(reason?: Error): void {
    void this.#client.destroy(reason ?? null);
    this.#socket.destroy(reason);
  }

  /** Gives undici the socket on its first call. On the second call, ends the requests that wait for a new connection. */
  #connect(callback: (...result: [null, Socket] | [Error, null]) => void): void {
    if (this.#hasSocket || this.#socket.destroyed)
      return void this.#client.destroy(new StaleConnection(this.#hasGoaway));
    this.#hasSocket = true;
    this.#socket.ref();
    // undici misses a callback that is called before `connect` returns.
    queueMicrotask(() => callback(null, this.#socket));
  }
}

/** Returns the pieces, and reports to their body when the stream has taken all of them. undici writes one after another. */
async function* reportSent(
  body: OutgoingRequest["body"],
  pieces: AsyncIterable<Uint8Array>,
  stream: StreamListener,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    yield piece;
    if (stream.hasSentAll && isBodyPieces(body) && "piecesSent" in body) body.piecesSent?.();
  }
}
