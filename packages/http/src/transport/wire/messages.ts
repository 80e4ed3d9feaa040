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
