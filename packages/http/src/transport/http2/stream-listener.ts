import type { ClientHttp2Stream } from "node:http2";
import { isComplete } from "../wire/messages.ts";
import { refusedStream, StreamResetError, StaleConnection } from "../errors/undici-errors.ts";
import type { SessionTracker } from "./session-tracker.ts";
import type { ExchangeController, ResponseListener } from "../wire/protocol.ts";
import type { RawResponse } from "../wire/messages.ts";

// RFC 9113 §6.2.
const headersFrame = 1;

/**
 * Hears one exchange over HTTP/2 and sees its stream, because undici tells neither of two things: whether the server ended
 * the answer or broke it off with a code that Node takes for an end, and whether a GOAWAY counts the request.
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

  /** Watches the stream that the request goes out on, before anybody else listens to it. */
  watch(stream: ClientHttp2Stream): void {
    this.#stream = stream;
    // Before undici, which would put such a request in line again where nothing goes out any more, and fail an assertion.
    stream.on("frameError", (type: number) => this.#leaveUnsent(type));
    stream.on("error", (error: Error) => this.#leaveRefused(error, stream.rstCode));
    // Node pushes the end of a stream that is open when END_STREAM comes, and closes the stream first when it was reset.
    const push = stream.push.bind(stream);
    stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
      if (chunk === null && !stream.closed) this.#endStream = true;
      return push(chunk, encoding);
    };
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

  // oxlint-disable-next-line max-params -- As the listener that it passes it on to.
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
    const stale = error instanceof StaleConnection && this.#mayBeActedOn;
    this.#listener.onResponseError(controller, stale ? new StaleConnection(false) : error);
  }

  get #isWhole(): boolean {
    if (this.#endStream) return true;
    return this.#head !== undefined && isComplete(this.#head, this.#method, this.#received);
  }

  /** Whether the request went out on a stream that no GOAWAY leaves out. */
  get #mayBeActedOn(): boolean {
    const { lastGoawayStream: lastStream = Infinity } = this.#session;
    const id = this.#stream?.id;
    return id !== undefined && id <= lastStream;
  }

  /** The GOAWAY came before the request's head had gone out. */
  #leaveUnsent(frameType: number): void {
    if (!this.#session.isLeaving || frameType !== headersFrame) return;
    this.#stream = undefined;
    this.#controller?.abort(new StaleConnection(true));
  }

  /** The connection ends with the code of a refused stream, or the server refuses a stream that its GOAWAY counts. */
  #leaveRefused(error: Error, code: number | undefined): void {
    if (!this.#session.isLeaving || code !== refusedStream) return;
    // As undici writes it into Node's errors.
    this.#controller?.abort(Object.assign(error, { http2ErrorCode: code }));
  }
}
