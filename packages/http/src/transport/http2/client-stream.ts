import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpStatusHeader } from "node:http2";
import { Duplex } from "node:stream";
import {
  ConnectionLost,
  http2Codes,
  isGentleCode,
  StreamReset,
  WrongBodyLength,
} from "../errors/http2-errors.ts";
import { MalformedResponse } from "../errors/malformed-response.ts";
import { UnsendableRequest } from "../errors/unsendable-request.ts";
import { contentLength } from "../wire/messages.ts";
import type { ExchangeController, ResponseListener } from "../wire/protocol.ts";
import { BodyBuffer, newMemory } from "../wire/read-buffer.ts";
import { BodySender, type BodySenderEvents } from "./body-sender.ts";
import type { Http2Request } from "./request-fields.ts";
import { isLargeHead, toResponseHeaders } from "./response-fields.ts";

/** The connection of a stream. */
export interface StreamOwner {
  /** Number of heads and pieces of bodies, in both directions, of all streams. */
  progress: number;
  /** Returns why the connection has ended for a stream, or undefined. `error` is that of Node's stream. */
  findLoss(stream: ClientStream, error: Error | undefined): Error | undefined;
  /** Returns whether the server allows fewer streams than there were when this one was opened. */
  isBeyondLimit(place: number): boolean;
  /** Called when the stream was opened, with its number. */
  streamOpened(id: number | undefined): void;
  /** Called once when the stream is closed, or will not be opened. */
  streamClosed(stream: ClientStream): void;
  /** Called when the body of a stream is paused, and when it continues or the stream is closed. */
  streamPaused(isPaused: boolean): void;
  /** Called when this side has reset the stream because the server violated the protocol. */
  streamReset(): void;
  /** Called when the server does not serve a request over HTTP/2. */
  requireHttp1(): void;
}

// RFC 9113 §6.2.
const headersFrame = 1;

const largeHead = "the head is larger than 256 KiB";

// The end of a response without a body usually arrives with its head.
const maxEndWaitMs = 1_000;

const exchange = Symbol("exchange");

type HeadArguments = [head: IncomingHttpStatusHeader, flags: number, rawHeaders: readonly string[]];

/** A stream of Node, with its exchange. */
interface OwnedStream extends ClientHttp2Stream {
  [exchange]: ClientStream;
}

/**
 * One request and its response on a stream of an HTTP/2 connection.
 *
 * Two methods of Node's stream are replaced, because only they show how a stream ends. `push` receives the data, and its end while
 * the stream is still open only if the server ended the response (RFC 9113 §8.1). `destroy` is called while nghttp2 still knows
 * which side reset the stream. This also saves the queue of a Readable for each piece.
 */
export class ClientStream implements ExchangeController, BodySenderEvents {
  readonly #owner: StreamOwner;
  readonly #request: Http2Request;
  /** Undefined after the end of the exchange. */
  #listener: ResponseListener | undefined;
  hasSent = false;
  /** Set while the request waits for the first piece of its body. */
  #session: ClientHttp2Session | undefined;
  #stream: ClientHttp2Stream | undefined;
  /** Number of open streams of the connection, with this one, when it was opened. */
  #place = 0;
  #error: Error | undefined;
  /** Whether nghttp2 has reset the stream on this side, because of what the server sent. */
  #isResetHere = false;
  #sender: BodySender | undefined;

  #status = 0;
  /** The Content-Length of a response that has a body. */
  #expected: number | undefined;
  #received = 0;
  /** Pieces that arrived in the same read as the head, which Node reports later. */
  #early: Buffer[] | undefined;
  #hasEnded = false;
  #isPaused = false;
  readonly #bodyBuffer = new BodyBuffer();

  constructor(owner: StreamOwner, request: Http2Request, listener: ResponseListener) {
    this.#owner = owner;
    this.#request = request;
    this.#listener = listener;
  }

  /**
   * Opens the stream and sends the request, one with a streamed body at its first piece. `place` is the number of open streams with
   * this one.
   */
  open(session: ClientHttp2Session, place: number): void {
    const listener = this.#listener;
    listener?.onRequestStart(this);
    // `onRequestStart` may have aborted the request.
    if (listener === undefined || this.#listener !== listener) {
      this.#owner.streamClosed(this);
      return;
    }
    this.#place = place;
    this.#session = session;
    const { bytes, bodyPieces } = this.#request;
    if (bodyPieces !== undefined) {
      this.#sender = new BodySender(bodyPieces, this);
      void this.#sender.send(this.#request.length);
      return;
    }
    const stream = this.openStream();
    if (bytes !== undefined) stream?.end(bytes, () => this.bodySent());
  }

  openStream(): ClientHttp2Stream | undefined {
    const session = this.#session;
    this.#session = undefined;
    if (session === undefined) return undefined;
    const stream = this.#send(session);
    if (stream === undefined) return undefined;
    this.hasSent = true;
    this.#stream = stream;
    this.#listenTo(stream);
    // Starts reading. Data that is not read does not open the flow-control window again.
    stream._read(0);
    this.#owner.streamOpened(stream.id);
    return stream;
  }

  #send(session: ClientHttp2Session): ClientHttp2Stream | undefined {
    const { fields, bytes, bodyPieces } = this.#request;
    try {
      return session.request(fields, { endStream: bytes === undefined && bodyPieces === undefined });
    } catch (error) {
      this.#owner.streamClosed(this);
      const loss = session.destroyed ? this.#owner.findLoss(this, undefined) : undefined;
      if (loss !== undefined) {
        this.failUnsent(loss);
        return undefined;
      }
      // Node refuses a header that this side considers valid.
      this.#fail(
        new UnsendableRequest(error instanceof Error ? error.message : String(error), { cause: error }),
      );
      return undefined;
    }
  }

  // Hot path: all streams share the functions, so that a request allocates no closures.
  #listenTo(opened: ClientHttp2Stream): void {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the next line makes it one
    const stream = opened as OwnedStream;
    stream[exchange] = this;
    // oxlint-disable typescript/unbound-method -- Node calls these functions on the stream.
    stream.push = ClientStream.#push;
    stream.destroy = ClientStream.#destroy;
    stream.on("response", ClientStream.#onResponse);
    stream.on("headers", ClientStream.#onInterimHead);
    stream.on("frameError", ClientStream.#onFrameError);
    stream.on("error", ClientStream.#onError);
    stream.on("close", ClientStream.#onClose);
    // oxlint-enable typescript/unbound-method
  }

  static readonly #push = function (this: OwnedStream, chunk: Buffer | null): boolean {
    if (chunk !== null) return this[exchange].#readData(chunk);
    if (this.closed) return Duplex.prototype.push.call(this, null);
    this[exchange].#readEnd();
    // Node then does not wait for a reader before it destroys the stream.
    this.readable = false;
    return false;
  };

  static readonly #destroy = function (this: OwnedStream, error?: Error): OwnedStream {
    if (!this.destroyed) this[exchange].#noteReset(this);
    Duplex.prototype.destroy.call(this, error);
    return this;
  };

  static readonly #onResponse = function (this: OwnedStream, ...[head, , rawHeaders]: HeadArguments): void {
    this[exchange].#readHead(head, rawHeaders);
  };

  static readonly #onInterimHead = function (
    this: OwnedStream,
    ...[head, , rawHeaders]: HeadArguments
  ): void {
    this[exchange].#readInterimHead(head, rawHeaders);
  };

  static readonly #onFrameError = function (this: OwnedStream, type: number): void {
    this[exchange].#readFrameError(type);
  };

  static readonly #onError = function (this: OwnedStream, error: Error): void {
    this[exchange].#error = error;
  };

  static readonly #onClose = function (this: OwnedStream): void {
    this[exchange].#closed();
  };

  /** Fails an exchange that was not sent. */
  failUnsent(error: Error): void {
    this.#leaveUnopened();
    this.#fail(error);
  }

  /** Whether the request waits for the first piece of its body. */
  get isUnopened(): boolean {
    return this.#session !== undefined;
  }

  #leaveUnopened(): void {
    if (this.#session === undefined) return;
    this.#session = undefined;
    this.#owner.streamClosed(this);
  }

  bodySent(): void {
    this.#owner.progress += 1;
    this.#listener?.onBodySent();
  }

  bodyWritten(): void {
    this.#sender = undefined;
  }

  abort(reason: unknown): void {
    this.#leaveUnopened();
    this.#stream?.close(http2Codes.cancel);
    this.#fail(reason);
  }

  pause(): void {
    if (this.#isPaused || this.#stream === undefined) return;
    this.#isPaused = true;
    this.#owner.streamPaused(true);
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#owner.streamPaused(false);
    if (this.#stream?.destroyed === false) this.#stream._read(0);
  }

  #readInterimHead(head: IncomingHttpStatusHeader, rawHeaders: readonly string[]): void {
    this.#owner.progress += 1;
    const status = Number(head[":status"]);
    const listener = this.#listener;
    // Trailers without the end of the stream have no status.
    if (!(status < 200) || this.#status > 0 || listener === undefined) return;
    if (isLargeHead(rawHeaders)) return this.abort(new MalformedResponse(largeHead));
    listener.onResponseStarted();
    listener.onResponseStart(this, status, toResponseHeaders(rawHeaders), "");
  }

  #readHead(head: IncomingHttpStatusHeader, rawHeaders: readonly string[]): void {
    this.#owner.progress += 1;
    const listener = this.#listener;
    if (listener === undefined) return;
    if (isLargeHead(rawHeaders)) return this.abort(new MalformedResponse(largeHead));
    this.#status = Number(head[":status"]);
    const headers = toResponseHeaders(rawHeaders);
    this.#expected = this.#mayHaveBody ? contentLength(headers) : undefined;
    this.#bodyBuffer.begin(this.#expected ?? 0);
    listener.onResponseStarted();
    listener.onResponseStart(this, this.#status, headers, "");
    const early = this.#early;
    this.#early = undefined;
    if (!this.#mayHaveBody) return this.#completeWithoutBody();
    if (early !== undefined) for (const piece of early) this.#passOn(piece);
    if (this.#hasEnded) this.#complete();
  }

  #completeWithoutBody(): void {
    this.#complete();
    const stream = this.#stream;
    if (!this.#hasEnded) stream?.setTimeout(maxEndWaitMs, () => stream.close(http2Codes.cancel));
  }

  /** Called when the server has ended the response. */
  #readEnd(): void {
    this.#hasEnded = true;
    if (this.#status > 0) this.#complete();
  }

  /** Called before Node's stream is destroyed. */
  #noteReset(stream: ClientHttp2Stream): void {
    const code = stream.rstCode;
    if (isGentleCode(code) || stream.state.remoteClose !== 0) return;
    this.#isResetHere = true;
    if (code === http2Codes.protocolError) this.#owner.streamReset();
  }

  /** The number of the stream; undefined unless it was opened. */
  get id(): number | undefined {
    return this.#stream?.id;
  }

  /** Whether the exchange has not ended. */
  get isActive(): boolean {
    return this.#listener !== undefined;
  }

  get #mayHaveBody(): boolean {
    return this.#request.method !== "HEAD" && this.#status !== 204 && this.#status !== 304;
  }

  /** Returns false to stop reading from the stream. */
  #readData(chunk: Buffer): boolean {
    this.#owner.progress += 1;
    if (this.#status > 0) this.#passOn(chunk);
    else if (this.#early === undefined) this.#early = [chunk];
    else this.#early.push(chunk);
    return !this.#isPaused;
  }

  #passOn(chunk: Buffer): void {
    const listener = this.#listener;
    if (listener === undefined || !this.#mayHaveBody) return;
    if (this.#expected !== undefined && this.#received + chunk.length > this.#expected)
      return this.abort(new WrongBodyLength());
    this.#received += chunk.length;
    listener.onResponseData(this, this.#copyPiece(listener, chunk));
  }

  /** Copies a piece out of the buffer of a read, which is shared with other streams: a small piece would keep all of it. */
  #copyPiece(listener: ResponseListener, chunk: Buffer): Buffer {
    if (listener.collectsBody) return this.#bodyBuffer.copy(chunk, 0, chunk.length);
    return (listener.bodyMemory ?? newMemory).copy(chunk, 0, chunk.length);
  }

  #complete(): void {
    const listener = this.#listener;
    if (listener === undefined) return;
    if (this.#expected !== undefined && this.#received < this.#expected)
      return this.#fail(new WrongBodyLength());
    this.#listener = undefined;
    // A server may respond before it has read the request, and not wait for its rest (RFC 9113 §8.1).
    if (this.#sender !== undefined) this.#stopSending();
    listener.onResponseEnd();
  }

  #stopSending(): void {
    this.#sender?.stop();
    this.#sender = undefined;
    this.#stream?.close(http2Codes.cancel);
  }

  /** A head that could not be sent: it is too large for this side's limit, or a GOAWAY came first. */
  #readFrameError(type: number): void {
    if (type !== headersFrame) return;
    const loss = this.#owner.findLoss(this, undefined);
    this.#fail(loss ?? new UnsendableRequest("The headers are too large for an HTTP/2 request"));
  }

  #closed(): void {
    const owner = this.#owner;
    if (this.#listener !== undefined) this.#conclude(this.#stream?.rstCode ?? http2Codes.cancel);
    this.resume();
    // The caller may keep the controller for longer than the stream's many objects should live.
    this.#stream = undefined;
    owner.streamClosed(this);
  }

  /** Ends an exchange whose stream was closed with a code of RFC 9113 §7, and without END_STREAM. */
  #conclude(code: number): void {
    const loss = this.#owner.findLoss(this, this.#error);
    // The connection may end after the last byte and before END_STREAM, as over HTTP/1.1 before it is closed in order.
    if (loss instanceof ConnectionLost && this.#expected !== undefined && this.#received === this.#expected)
      this.#complete();
    else if (loss !== undefined) this.#fail(loss);
    else if (isGentleCode(code) && this.#received === this.#expected) this.#complete();
    else this.#fail(this.#toResetError(code));
  }

  #toResetError(code: number): Error {
    // nghttp2 resets a stream with a body of the wrong length with this code.
    if (code === http2Codes.protocolError && this.#expected !== undefined) return new WrongBodyLength();
    // Node uses this code for its limit of a head, and servers use it when they are overloaded.
    if (code === http2Codes.enhanceYourCalm && this.#isResetHere)
      return new MalformedResponse(this.#status > 0 ? "the trailers are larger than 256 KiB" : largeHead);
    if (code === http2Codes.http11Required) this.#owner.requireHttp1();
    const isRefused = code === http2Codes.refusedStream;
    return new StreamReset(code, isRefused && this.#owner.isBeyondLimit(this.#place));
  }

  #fail(reason: unknown): void {
    const listener = this.#listener;
    this.#listener = undefined;
    this.#early = undefined;
    this.#sender?.stop();
    this.#sender = undefined;
    listener?.onResponseError(this, reason);
  }
}
