import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpStatusHeader } from "node:http2";
import {
  ConnectionLost,
  http2Codes,
  isGentleCode,
  isHttp2ProtocolError,
  StreamReset,
  WrongBodyLength,
} from "../errors/http2-errors.ts";
import { UnsendableRequest } from "../errors/unsendable-request.ts";
import { contentLength } from "../wire/messages.ts";
import type { ExchangeController, ResponseListener } from "../wire/protocol.ts";
import { BodyBuffer, newMemory } from "../wire/read-buffer.ts";
import { BodySender, type BodySenderEvents } from "./body-sender.ts";
import type { Http2Request } from "./request-fields.ts";
import { toResponseHeaders } from "./response-fields.ts";

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
  /** Called when the server does not serve a request over HTTP/2. */
  requireHttp1(): void;
}

// RFC 9113 §6.2.
const headersFrame = 1;

// The end of a response without a body usually arrives with its head.
const maxEndWaitMs = 1_000;

/**
 * One request and its response on a stream of an HTTP/2 connection.
 *
 * The stream's data arrives through `push`, which replaces that of Node's stream: only there it is visible whether the server
 * ended the response (RFC 9113 §8.1) or reset the stream with a code that Node reports as an end. It also saves the queue of a
 * Readable for each piece.
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

  #listenTo(stream: ClientHttp2Stream): void {
    const pushEnd = stream.push.bind(stream, null);
    stream.push = (chunk: Buffer | null) => {
      if (chunk !== null) return this.#readData(chunk);
      // On END_STREAM, Node pushes the end while the stream is open. On a reset, it closes the stream first.
      if (!stream.closed) this.#hasEnded = true;
      const result = pushEnd();
      if (this.#hasEnded && this.#status > 0) this.#complete();
      return result;
    };
    stream.on("response", (head, ...[, rawHeaders]) => this.#readHead(head, rawHeaders));
    stream.on("headers", (head, ...[, rawHeaders]) => this.#readInterimHead(head, rawHeaders));
    stream.on("frameError", (type: number) => this.#readFrameError(type));
    stream.on("error", (error: Error) => (this.#error = error));
    stream.once("close", () => this.#closed());
  }

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
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#stream?.destroyed === false) this.#stream._read(0);
  }

  #readInterimHead(head: IncomingHttpStatusHeader, rawHeaders: readonly string[]): void {
    this.#owner.progress += 1;
    const status = Number(head[":status"]);
    const listener = this.#listener;
    // Trailers without the end of the stream have no status.
    if (!(status < 200) || this.#status > 0 || listener === undefined) return;
    listener.onResponseStarted();
    listener.onResponseStart(this, status, toResponseHeaders(rawHeaders), "");
  }

  #readHead(head: IncomingHttpStatusHeader, rawHeaders: readonly string[]): void {
    this.#owner.progress += 1;
    const listener = this.#listener;
    if (listener === undefined) return;
    this.#status = Number(head[":status"]);
    const headers = toResponseHeaders(rawHeaders);
    const hasBody = this.#mayHaveBody;
    this.#expected = hasBody ? contentLength(headers) : undefined;
    this.#bodyBuffer.begin(this.#expected ?? 0);
    listener.onResponseStarted();
    listener.onResponseStart(this, this.#status, headers, "");
    const early = this.#early;
    this.#early = undefined;
    // Node ends the connection when a body follows. No other request may use it before that is certain.
    if (!hasBody && !this.#hasEnded) this.#stream?.setTimeout(maxEndWaitMs, () => this.#stopWaitingForEnd());
    if (early !== undefined) for (const piece of early) this.#passOn(piece);
    if (this.#hasEnded) this.#complete();
  }

  /** The number of the stream; undefined unless it was opened. */
  get id(): number | undefined {
    return this.#stream?.id;
  }

  /** Whether the server may have sent more, or less, than the head of its response announces. */
  get isFramedByHead(): boolean {
    return this.#status > 0 && !this.#hasEnded && (!this.#mayHaveBody || this.#expected !== undefined);
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

  #stopWaitingForEnd(): void {
    this.#complete();
    this.#stream?.close(http2Codes.cancel);
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
    // The caller may keep the controller for longer than the stream's many objects should live.
    this.#stream = undefined;
    owner.streamClosed(this);
  }

  /** Ends an exchange whose stream was closed with a code of RFC 9113 §7, and without END_STREAM. */
  #conclude(code: number): void {
    const error = this.#error;
    if (this.#status > 0 && !this.#mayHaveBody) {
      if (isHttp2ProtocolError(error)) this.#owner.requireHttp1();
      return this.#complete();
    }
    const loss = this.#owner.findLoss(this, error);
    // The connection may end after the last byte and before END_STREAM, as over HTTP/1.1 before it is closed in order.
    if (loss instanceof ConnectionLost && this.#expected !== undefined && this.#received === this.#expected)
      this.#complete();
    else if (loss !== undefined) this.#fail(loss);
    else if (isGentleCode(code) && this.#received === this.#expected) this.#complete();
    else this.#fail(this.#toResetError(code));
  }

  #toResetError(code: number): Error {
    // Node resets a stream whose body is too short with this code.
    if (code === http2Codes.protocolError && this.#expected !== undefined) return new WrongBodyLength();
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
