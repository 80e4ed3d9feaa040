import { endsConnection } from "./evidence.ts";

/** What is known of an exchange whose connection failed before there was an answer. */
export interface Unanswered {
  /** Whether others have gone out on the connection, or may have. */
  readonly kept: boolean;
  readonly mayHaveArrived: boolean;
  readonly idempotent: boolean;
  /** Whether the whole of the request's body can still be sent. */
  readonly wholeBody: boolean;
}

/**
 * Whether the request may go out again at once, and the failure unseen. A kept-alive connection that closes as the request
 * goes out says nothing about the server: RFC 9112 §9.3.1 lets the request go again, unless the server may have acted on it.
 */
export function mayGoUnseen(error: unknown, { kept, mayHaveArrived, ...request }: Unanswered): boolean {
  if (!kept || !endsConnection(error)) return false;
  return mayHaveArrived ? request.idempotent : request.wholeBody;
}
