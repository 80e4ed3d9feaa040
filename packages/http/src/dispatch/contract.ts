import type { Duplex } from "node:stream";

/** Headers as a caller of undici writes them. */
export type DispatchHeaders =
  | Readonly<Record<string, unknown>>
  | readonly unknown[]
  | Iterable<readonly [string, unknown]>
  | null;

/** One request, as undici and the platform's fetch hand it to a dispatcher. */
export interface DispatchOptions {
  /** Scheme, host and port of the URL. */
  readonly origin?: string | URL | undefined;
  /** Path and query. */
  readonly path: string;
  /** Method of the request. */
  readonly method: string;
  /** Below a fetch always null or a generator, which can be read once. */
  readonly body?: unknown;
  /** Headers of the request. */
  readonly headers?: DispatchHeaders | undefined;
  /** Parameters to add to the path. */
  readonly query?: Readonly<Record<string, unknown>> | undefined;
  /** The protocol to change to: `websocket`. */
  readonly upgrade?: boolean | string | null | undefined;
  /** Longest wait for the head, in milliseconds; 0 for no limit. */
  readonly headersTimeout?: number | null | undefined;
  /** Longest silence within the body, in milliseconds; 0 for no limit. */
  readonly bodyTimeout?: number | null | undefined;
  /** Whether to close the connection afterwards. */
  readonly reset?: boolean | null | undefined;
  /** Redirects to follow, in undici 5 and 6. */
  readonly maxRedirections?: number | null | undefined;
}

/** Controls a response that is being received. */
export interface DispatchController {
  readonly paused: boolean;
  readonly aborted: boolean;
  readonly reason: unknown;
  /** Names and values in turn. */
  readonly rawHeaders: readonly Buffer[] | null;
  readonly rawTrailers: readonly Buffer[] | null;
  abort(reason?: unknown): void;
  pause(): void;
  resume(): void;
}

/** Headers of a response by their names in lower case. */
export type ReceivedHeaders = Record<string, string | string[]>;

/** Receives a response, in the form of undici 7 and 8 and of the fetch of Node 26. */
export interface ModernHandler {
  onRequestStart(controller: DispatchController, context: object): void;
  onRequestUpgrade?(
    controller: DispatchController,
    status: number,
    headers: ReceivedHeaders,
    socket: Duplex,
  ): void;
  onResponseStarted?(): void;
  onResponseStart?(
    controller: DispatchController,
    status: number,
    headers: ReceivedHeaders,
    statusText?: string,
  ): void;
  onResponseData?(controller: DispatchController, chunk: Buffer): void;
  onResponseEnd?(controller: DispatchController, trailers: ReceivedHeaders): void;
  onResponseError?(controller: DispatchController, error: unknown): void;
}

/** Receives a response, in the form of undici 5 to 7 and of the fetch of Node 22 and 24. */
export interface LegacyHandler {
  onConnect?(abort: (reason?: unknown) => void, context: object): void;
  /** The fetch of Node 24 has this method among the older ones. */
  onRequestUpgrade?: ModernHandler["onRequestUpgrade"];
  onUpgrade?(status: number, rawHeaders: readonly Buffer[], socket: Duplex): void;
  onResponseStarted?(): void;
  /** Returns false to pause the body. */
  onHeaders?(
    status: number,
    rawHeaders: readonly Buffer[],
    resume: () => void,
    statusText: string,
  ): boolean | void;
  /** Returns false to pause the body. */
  onData?(chunk: Buffer): boolean | void;
  onComplete?(rawTrailers: readonly Buffer[]): void;
  onError?(error: unknown): void;
}

/** Receives a response in either form. */
export type DispatchHandler = ModernHandler | LegacyHandler;

/** Sends a request. Returns false if the caller should wait for `drain`. */
export type Dispatch = (options: DispatchOptions, handler: DispatchHandler) => boolean;

/** Whether a handler has the methods of undici 7 and 8. */
export function isModern(handler: DispatchHandler): handler is ModernHandler {
  return "onRequestStart" in handler && typeof handler.onRequestStart === "function";
}
