import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Dispatcher } from "undici";
import Client from "undici/lib/dispatcher/client.js";

/** What a request is made of; undici takes anything that can be iterated for a body, and its own types do not say so. */
export interface AnyDispatchOptions extends Omit<Dispatcher.DispatchOptions, "body"> {
  body?: Dispatcher.DispatchOptions["body"] | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** The connection takes no request any more, and undici asked for another one in its place. */
export class StaleConnection extends Error {
  /** Whether a GOAWAY left the request out, so that the server has not acted on it though it was written. */
  readonly leftOut: boolean;

  constructor(leftOut: boolean) {
    super("The connection is gone");
    this.leftOut = leftOut;
  }
}

// Node's own 16 KiB is less than some sites send in cookies and policies; browsers stop at 256 KiB.
const maxHeadBytes = 256 * 1024;

/** One socket and the undici client that speaks HTTP on it: it never reconnects, so that whatever happens has one place. */
export class Connection {
  readonly #socket: Socket;
  readonly #client: Client;
  readonly #servername: string | undefined;
  #handed = false;
  #leaving = false;
  #goaway = false;
  /** Whether many requests share it (HTTP/2). */
  readonly multiplexed: boolean;
  /** The socket's own error, such as a reset; undefined after an orderly end. */
  failure: Error | undefined;
  /** Why it was dropped from this side, where a reason was given. */
  dropped: Error | undefined;
  /** How many requests it has carried. */
  uses = 0;
  /** Requests under way. */
  active = 0;

  /** `onClose` hears that no further request can go out on it, and again that its socket has closed. */
  constructor(origin: URL, socket: Socket | TLSSocket, onClose: (connection: Connection) => void) {
    this.#socket = socket;
    this.#servername = origin.protocol === "https:" ? origin.hostname : undefined;
    this.multiplexed = "alpnProtocol" in socket && socket.alpnProtocol === "h2";
    // Until undici has it, and from then on undici lets it rest: a connection that nobody uses keeps no program alive.
    socket.unref();
    // First in line: the reason must be known before undici reports the end.
    socket.on("error", (error: Error) => (this.failure = error));
    socket.once("close", () => onClose(this));
    this.#client = new Client(origin, {
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: maxHeadBytes,
      allowH2: this.multiplexed,
      connect: (_options: object, callback: (...result: [null, Socket] | [Error, null]) => void): void =>
        this.#connect(callback),
    });
    // Under HTTP/2 a GOAWAY ends the connection for new requests long before the socket closes (RFC 9113 §6.8).
    this.#client.once("disconnect", (_origin, _targets, error) => {
      this.#goaway = isGoaway(error);
      this.leave();
      onClose(this);
      // What the GOAWAY leaves out would wait in undici until the rest is done.
      if (this.#goaway) void this.#client.destroy(new StaleConnection(true));
    });
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

  dispatch(options: AnyDispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.uses += 1;
    this.#client.dispatch(
      this.#servername === undefined ? options : withServername(options, this.#servername),
      handler,
    );
  }

  /** Takes no further request; those under way go on. */
  leave(): void {
    this.#leaving = true;
  }

  /** Drops the socket at once; what is under way fails with the reason. */
  destroy(reason?: Error): void {
    this.dropped ??= reason;
    void this.#client.destroy(reason ?? null);
    this.#socket.destroy(reason);
  }

  /** Gives undici the socket the first time, and ends what still waits for one the second time. */
  #connect(callback: (...result: [null, Socket] | [Error, null]) => void): void {
    if (this.#handed || this.#socket.destroyed)
      return void this.#client.destroy(new StaleConnection(this.#goaway));
    this.#handed = true;
    this.#socket.ref();
    // undici misses an answer that comes before it has finished asking.
    queueMicrotask(() => callback(null, this.#socket));
  }
}

/** Whether an error is undici's for a GOAWAY. */
export function isGoaway(error: Error): boolean {
  return error.message.startsWith('HTTP/2: "GOAWAY" frame received');
}

// undici would reconnect under another name if a request's Host header differed from the certificate's.
function withServername(options: AnyDispatchOptions, servername: string): AnyDispatchOptions {
  return Object.assign(options, { servername });
}
