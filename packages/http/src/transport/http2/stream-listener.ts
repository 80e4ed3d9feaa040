import type { ClientHttp2Stream } from "node:http2";
import { isComplete } from "../wire/messages.ts";
import { refusedStream, StreamResetError, StaleConnection } from "../errors/undici-errors.ts";
import type { SessionTracker } from "./session-tracker.ts";
import type { ExchangeController, ResponseListener } from "../wire/protocol.ts";
import type { RawResponse } from "../wire/messages.ts";

// RFC 9113 §6.2.
const headersFrame = 1;

/**
 * Receives the events of one exchange over HTTP/2 and observes its stream. undici does not report whether the server ended the
 * response or reset the stream with a code that Node reports as an end, nor whether a GOAWAY includes the request.
 */
export class StreamListener {
  readonly #listener: ResponseListener;
  readonly #method: string;
  readonly #session: SessionTracker;
  #stream: ClientHttp2Stream | undefined;
  #controller: ExchangeController | undefined;
  #endStream = false;
  #head: Pick<RawResponse, "status" | "headers"> | undefined;
  #received = 0;

  constructor(listener: ResponseListener, method: string, session: SessionTracker) {
    this.#listener = listener;
    this.#method = method;
    this.#session = session;
  }

  /** Observes the stream of the request. Called before undici adds its listeners. */
  watch(stream: ClientHttp2Stream): void {
    this.#stream = stream;
    // Must run before undici, which would queue the request again on a closed session and fail an assertion.
    stream.on("frameError", (type: number) => this.#abortUnsent(type));
    stream.on("error", (error: Error) => this.#abortRefused(error, stream.rstCode));
    // On END_STREAM, Node pushes the end while the stream is open. On a reset, it closes the stream first.
    const push = stream.push.bind(stream);
    stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
      if (chunk === null && !stream.closed) this.#endStream = true;
      return push(chunk, encoding);
    };
  }

  /** Whether the stream has taken everything that was written to it. */
  get hasSentAll(): boolean {
    return this.#stream?.writableLength === 0;
  }

  onRequestStart(controller: ExchangeController): void {
    this.#controller = controller;
    this.#session.startingRequest = this;
    this.#listener.onRequestStart(controller);
  }

  onBodySent(): void {
    this.#listener.onBodySent();
  }

  onResponseStarted(): void {
    this.#listener.onResponseStarted();
  }

  // oxlint-disable-next-line max-params -- The same signature as the wrapped listener.
  onResponseStart(
    controller: ExchangeController,
    status: number,
    headers: RawResponse["headers"],
    statusText?: string,
  ): void {
    this.#head = { status, headers };
    this.#listener.onResponseStart(controller, status, headers, statusText);
  }

  onResponseData(controller: ExchangeController, chunk: Buffer): void {
    this.#received += chunk.length;
    this.#listener.onResponseData(controller, chunk);
  }

  onResponseEnd(controller: ExchangeController): void {
    if (this.#isWhole) this.#listener.onResponseEnd();
    else this.#listener.onResponseError(controller, new StreamResetError(this.#stream?.rstCode));
  }

  onResponseError(controller: ExchangeController, error: unknown): void {
    const stale = error instanceof StaleConnection && this.#mayBeProcessed;
    this.#listener.onResponseError(controller, stale ? new StaleConnection(false) : error);
  }

  get #isWhole(): boolean {
    if (this.#endStream) return true;
    return this.#head !== undefined && isComplete(this.#head, this.#method, this.#received);
  }

  /** Whether the request went out on a stream that no GOAWAY excludes. */
  get #mayBeProcessed(): boolean {
    const { lastGoawayStream: lastStream = Infinity } = this.#session;
    const id = this.#stream?.id;
    return id !== undefined && id <= lastStream;
  }

  /** Handles a GOAWAY that arrived before the request's head was sent. */
  #abortUnsent(frameType: number): void {
    if (!this.#session.hasGoaway || frameType !== headersFrame) return;
    this.#stream = undefined;
    this.#controller?.abort(new StaleConnection(true));
  }

  /** Handles the code of a refused stream: the connection ends with it, or the server refuses a stream that its GOAWAY includes. */
  #abortRefused(error: Error, code: number | undefined): void {
    if (!this.#session.hasGoaway || code !== refusedStream) return;
    // undici adds the code to Node's errors in the same way.
    this.#controller?.abort(Object.assign(error, { http2ErrorCode: code }));
  }
}
