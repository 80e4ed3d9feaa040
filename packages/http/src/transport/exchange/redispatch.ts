import { repeatLimit } from "../errors/http2-errors.ts";

/** The facts about an exchange that failed before a response arrived. */
export interface FailedExchange {
  /** Whether the connection had carried an earlier request. */
  readonly reused: boolean;
  readonly mayHaveArrived: boolean;
  readonly idempotent: boolean;
  /** Whether the whole body of the request can still be sent. */
  readonly isBodyReplayable: boolean;
  /** Whether the exchange has used its one unconditional repetition. */
  readonly hasRepeated: boolean;
}

/**
 * Returns whether the transport may send a request again, without reporting the failure.
 *
 * A kept-alive connection that closes while a request goes out says nothing about the server: RFC 9112 §9.3.1 allows a
 * second try unless the server may have acted on the request. RFC 9113 §6.8 allows the same for requests that a GOAWAY
 * excludes, also on a new connection, and as often as the server processes others.
 */
export function mayRedispatch(
  error: unknown,
  { reused, mayHaveArrived, hasRepeated, ...request }: FailedExchange,
): boolean {
  const limit = repeatLimit(error, reused);
  if (limit === "never" || (limit === "once" && hasRepeated)) return false;
  return mayHaveArrived ? request.idempotent : request.isBodyReplayable;
}
