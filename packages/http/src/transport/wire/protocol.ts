import type { BodyMemory } from "../../model/body-memory.ts";
import type { RawResponse } from "./messages.ts";

/** A body that is written piece by piece. */
export type BodyPieces = Iterable<Uint8Array> | AsyncIterable<Uint8Array> | DestroyablePieces;

/** The pieces of a stream. */
export interface DestroyablePieces extends AsyncIterable<Uint8Array> {
  /** Ends a read that is waiting. */
  destroy(): void;
  /** Called when the socket has taken all pieces so far, so that their memory may be freed. */
  piecesSent?(): void;
}

/** The body of a request in the form in which a client sends it. */
export interface RequestBody {
  readonly body: string | Uint8Array | BodyPieces | null;
  /** Length in bytes; undefined when it follows from `body` or is unknown. */
  readonly length?: number | undefined;
}

/** A request as it is given to a connection. */
export interface OutgoingRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  /** Undefined and null mean no body. */
  readonly body?: RequestBody["body"] | undefined;
}

/** Controls an exchange. It must not be used after the end of the exchange, when the connection may carry another one. */
export interface ExchangeController {
  /** False until a part of a request on a shared connection may have been sent. @default true */
  readonly hasSent?: boolean;
  /** Ends the exchange, and also the connection unless other exchanges share it. */
  abort(reason: Error): void;
  /** Pauses the body until `resume`. Pieces that were already read may still follow. */
  pause(): void;
  resume(): void;
}

/** Receives the events of one exchange. The last one is either `onResponseEnd` or `onResponseError`. */
export interface ResponseListener {
  /** Whether the listener only joins the pieces of the body, so that they may be slices of one buffer. */
  readonly collectsBody: boolean;
  /** Memory for the pieces of the body. @default new memory for each piece */
  readonly bodyMemory?: BodyMemory | undefined;
  /** Called when the request goes out. `headBytes` is the size of its head; undefined for HTTP/2, which compresses heads. */
  onRequestStart(controller: ExchangeController, headBytes?: number): void;
  /** Called after a part of the request's body. */
  onBodySent(): void;
  /** Called with the first byte of a response, interim or final. */
  onResponseStarted(): void;
  /** Called with an interim (1xx) or final head. Names are in lower case. A repeated name has a list of values. */
  onResponseStart(
    controller: ExchangeController,
    status: number,
    headers: RawResponse["headers"],
    statusText?: string,
  ): void;
  /** Called with a piece of the response's body. */
  onResponseData(controller: ExchangeController, chunk: Buffer): void;
  /** Called when the response is complete. */
  onResponseEnd(): void;
  /** Called when no further part of the response will arrive. */
  onResponseError(controller: ExchangeController, error: unknown): void;
}

/** Speaks one version of HTTP on one socket. It never opens another one. */
export interface HttpClient {
  /** Number of heads and pieces of bodies, in both directions, that requests which share the connection have seen go by. */
  readonly progress: number;
  dispatch(request: OutgoingRequest, listener: ResponseListener): void;
  /** Removes a request that has not gone out. Its listener receives no event. */
  cancel(listener: ResponseListener): void;
  /** Closes the socket if it is dead. Called while a request waits, with the time on the clock and the request's read limit. */
  checkAlive(now: number, readLimit: number): void;
  /** Closes the socket. Exchanges under way fail with `reason`. */
  destroy(reason?: Error): void;
}
