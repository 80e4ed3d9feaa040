import type { UnreadBody } from "../../model/body-source.ts";
import type { Body } from "../../model/body.ts";
import type { ProxyTimeouts } from "../timeouts.ts";
import type { Observer } from "../../model/trace.ts";

/** A request as the transport sends it. */
export interface WireRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  /** Opened when a connection is available. */
  readonly body: Body;
  /** Whether the request may be sent twice, because of its method or an idempotency key. */
  readonly idempotent: boolean;
  readonly url: URL;
  /** Host and port, for messages. */
  readonly target: string;
  /** Whether the response is passed on with its content coding, so that an empty body is complete. @default false */
  readonly passesCoded?: boolean | undefined;
}

/** The limits of one exchange, in milliseconds. Times are on the clock. */
export interface ExchangeLimits {
  readonly connect: number;
  readonly proxy?: ProxyTimeouts | undefined;
  readonly read: number;
  readonly attempt: number;
  /** Limit of the whole call, for the message. */
  readonly total: number;
  /** Time at which the whole call ends. */
  readonly deadline: number;
  readonly maxBytes: number;
  /** Slowest body, in bytes a second. @default 0 */
  readonly minSpeed?: number | undefined;
  /** Longest time of all attempts of the call on the wire. @default Infinity */
  readonly wire?: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** Receives the traces of the exchange. */
  readonly observer?: Observer | undefined;
}

/** The deadline and the signal of a whole call. */
export type CallBounds = Pick<ExchangeLimits, "deadline" | "signal">;

/** A complete response, its body as sent. */
export interface RawResponse {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Buffer;
  /** Set instead of the body when the body was not read. */
  readonly unreadBody?: UnreadBody;
}

/** Returns the Content-Length of a response; undefined when it is missing or not a number. */
export function contentLength({ "content-length": length }: RawResponse["headers"]): number | undefined {
  const bytes = Number(length);
  return length === undefined || Number.isNaN(bytes) ? undefined : bytes;
}

/** Returns whether a response without body bytes is incomplete: it has a content coding, and even an encoded empty body has some bytes. */
export function isCodedBodyMissing(
  { status, headers }: Pick<RawResponse, "status" | "headers">,
  { method, passesCoded = false }: Pick<WireRequest, "method" | "passesCoded">,
): boolean {
  const { "content-encoding": coding, "content-length": length, "transfer-encoding": transfer } = headers;
  if (coding === undefined || passesCoded || length !== undefined || transfer !== undefined) return false;
  return method !== "HEAD" && status !== 204 && status !== 304;
}

/** Returns whether a response is complete although no end was signalled: it has no body, or all bytes of its Content-Length have arrived. */
export function isComplete(
  { status, headers }: Pick<RawResponse, "status" | "headers">,
  method: string,
  received: number,
): boolean {
  if (method === "HEAD" || status === 204 || status === 304) return true;
  return received === contentLength(headers);
}
