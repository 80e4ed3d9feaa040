import { isConnectionEnd, provesUnprocessed } from "../errors/undici-errors.ts";

/** What is known of an exchange whose connection failed before there was an answer. */
export interface FailedExchange {
  /** Whether the connection had carried an earlier request. */
  readonly reused: boolean;
  readonly mayHaveArrived: boolean;
  readonly idempotent: boolean;
  /** Whether the whole of the request's body can still be sent. */
  readonly wholeBody: boolean;
}

/**
 * Whether the request may go out again at once, and the failure unseen. A kept-alive connection that closes as the request
 * goes out says nothing about the server: RFC 9112 §9.3.1 lets the request go again, unless the server may have acted on it.
 * So does RFC 9113 §6.8 with what a GOAWAY leaves out, on a new connection as well.
 */
export function mayRedispatch(
  error: unknown,
  { reused, mayHaveArrived, ...request }: FailedExchange,
): boolean {
  if (!isConnectionEnd(error) || !(reused || provesUnprocessed(error))) return false;
  return mayHaveArrived ? request.idempotent : request.wholeBody;
}
