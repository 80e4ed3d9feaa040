import type { Readable } from "node:stream";
import type { RawResponse } from "./messages.ts";

/** The body of a request in the form in which a client sends it. */
export interface RequestBody {
  readonly body: string | Uint8Array | Readable | Iterable<Uint8Array> | AsyncIterable<Uint8Array> | null;
  /** Its length in bytes, where that cannot be counted before the body is sent. */
  readonly length?: number | undefined;
}

/** A request as one connection sends it. */
export interface OutgoingRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  /** Undefined and null are no body. */
  readonly body?: RequestBody["body"] | undefined;
}

/** What a listener may do with its exchange; not to be used once that has ended, because the next one has the connection. */
export interface ExchangeController {
  /** Ends the exchange, and the connection with it where no other shares it. */
  abort(reason: Error): void;
  /** Asks for no more of the body until `resume`; a few pieces that were read already may still come. */
  pause(): void;
  resume(): void;
}

/** Hears how one exchange goes on. Either `onResponseEnd` or `onResponseError` is the last it hears. */
export interface ResponseListener {
  /** Whether it only puts the pieces of a body together, so that they may lie in a buffer that others use too. */
  readonly collectsBody: boolean;
  /** The request goes out now, `headBytes` of head first; undefined where they are packed together with others. */
  onRequestStart(controller: ExchangeController, headBytes?: number): void;
  /** A part of its body went out. */
  onBodySent(): void;
  /** The first byte of an answer, interim or not, has come. */
  onResponseStarted(): void;
  /** A head has come, interim (1xx) or final. Names are in lower case; a name that comes more than once has a list. */
  onResponseStart(
    controller: ExchangeController,
    status: number,
    headers: RawResponse["headers"],
    statusText?: string,
  ): void;
  /** A part of the answer's body has come. */
  onResponseData(controller: ExchangeController, chunk: Buffer): void;
  /** The answer is whole. */
  onResponseEnd(): void;
  /** There is no answer, or no rest of it. */
  onResponseError(controller: ExchangeController, error: unknown): void;
}

/** Speaks one version of HTTP on one socket, and never opens another. */
export interface HttpClient {
  dispatch(request: OutgoingRequest, listener: ResponseListener): void;
  /** Drops the socket; what is under way fails. */
  destroy(reason?: Error): void;
}
