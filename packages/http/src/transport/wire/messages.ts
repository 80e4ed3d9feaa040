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
export type Bounds = Pick<ExchangeLimits, "deadline" | "signal">;

/** A body that an answer was given without: whoever has the answer says whether it is still wanted. */
export interface BodyRest {
  /**
   * Reads it to its end.
   *
   * @throws what kept it from being whole; `missing` where it was dropped.
   */
  whole(): Promise<Buffer>;
  /** Drops it, and the connection that carries it. */
  drop(): void;
  /** What says that it is not here. */
  readonly missing: Error;
}

/** A whole answer, its body as sent. */
export interface RawAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Buffer;
  /** What was not waited for, in the place of the body. */
  readonly rest?: BodyRest;
}
