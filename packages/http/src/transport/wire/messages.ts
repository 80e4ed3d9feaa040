import type { UnreadBody } from "../../model/body-source.ts";
import type { Body } from "../../model/body.ts";
import type { ProxyTimeouts } from "../timeouts.ts";
import type { Observer } from "../../model/trace.ts";

/** A request as it goes on the wire. */
export interface WireRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  /** Opened when there is a connection to send it on. */
  readonly body: Body;
  /** Whether it may be sent twice: known from the method, or from an idempotency key. */
  readonly idempotent: boolean;
  readonly url: URL;
  /** Host and port, for messages. */
  readonly target: string;
}

/** The limits of one exchange; instants are on the clock. */
export interface ExchangeLimits {
  readonly connect: number;
  readonly proxy?: ProxyTimeouts | undefined;
  readonly read: number;
  readonly attempt: number;
  /** The length of the whole call, for the message. */
  readonly total: number;
  /** The instant at which the whole call ends. */
  readonly deadline: number;
  readonly maxBytes: number;
  readonly signal: AbortSignal | undefined;
  /** Hears what was seen of it. */
  readonly observer?: Observer | undefined;
}

/** What a caller bounds a whole call with. */
export type CallBounds = Pick<ExchangeLimits, "deadline" | "signal">;

/** A whole answer, its body as sent. */
export interface RawResponse {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Buffer;
  /** What was not waited for, in the place of the body. */
  readonly unreadBody?: UnreadBody;
}

/** The bytes that an answer's Content-Length announces; undefined without one that is a number. */
export function contentLength({ "content-length": length }: RawResponse["headers"]): number | undefined {
  const bytes = Number(length);
  return length === undefined || Number.isNaN(bytes) ? undefined : bytes;
}

/** Whether an answer without a byte of body lacks one: it names a coding and no length, and even the coding of nothing has some bytes. */
export function isCodedBodyMissing(
  { status, headers }: Pick<RawResponse, "status" | "headers">,
  method: string,
): boolean {
  const { "content-encoding": coding, "content-length": length, "transfer-encoding": transfer } = headers;
  if (coding === undefined || length !== undefined || transfer !== undefined) return false;
  return method !== "HEAD" && status !== 204 && status !== 304;
}

/** Whether an answer is whole though nothing said that it ends: it has no body, or every byte that it announces has come. */
export function isComplete(
  { status, headers }: Pick<RawResponse, "status" | "headers">,
  method: string,
  received: number,
): boolean {
  if (method === "HEAD" || status === 204 || status === 304) return true;
  return received === contentLength(headers);
}
