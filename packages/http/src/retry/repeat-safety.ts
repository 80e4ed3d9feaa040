import type { Body } from "../model/body.ts";
import { isIdempotent } from "../model/request.ts";

/** The properties of a request that decide whether it may be sent twice. */
export interface RepeatCandidate {
  readonly method: string;
  /** With a key, the server recognises a repeated request. */
  readonly idempotencyKey?: string | undefined;
  readonly body: Pick<Body, "kind">;
}

/** Facts about the attempt that failed. Each is false only if that is certain. */
export interface Evidence {
  /** Whether the server may have received the request. Never false after a response. */
  readonly mayHaveArrived: boolean;
  /** Whether the server may have acted on the request. False also if the server says that it did not. */
  readonly mayHaveActed: boolean;
  /** Whether bytes of the body may have been read. */
  readonly mayBodyBeUsed: boolean;
}

/** Whether a request may be sent again, and the reason. */
export interface RepeatSafety {
  readonly again: boolean;
  readonly reason: SafetyReason;
}

/**
 * - `never-arrived`: the server did not receive the request.
 * - `not-processed`: the server says that it did not act on the request.
 * - `idempotent`: the method has the same effect once and twice (RFC 9110 §9.2.2).
 * - `idempotency-key`: the server recognises a repeated request by its key.
 * - `may-have-arrived`: the request could be executed twice.
 * - `body-not-replayable`: the body is a stream that was already read, and would be sent empty.
 */
export type SafetyReason =
  | "never-arrived"
  | "not-processed"
  | "idempotent"
  | "idempotency-key"
  | "may-have-arrived"
  | "body-not-replayable";

/** Decides whether it is safe to send a request again. Whether that would help is a different question. */
export function maySendAgain(
  { method, idempotencyKey, body }: RepeatCandidate,
  evidence: Evidence,
): RepeatSafety {
  if (body.kind === "one-shot" && evidence.mayBodyBeUsed) return unsafe("body-not-replayable");
  if (!evidence.mayHaveArrived) return safe("never-arrived");
  if (!evidence.mayHaveActed) return safe("not-processed");
  if (isIdempotent(method)) return safe("idempotent");
  return idempotencyKey === undefined ? unsafe("may-have-arrived") : safe("idempotency-key");
}

/**
 * Returns whether a status says that the server did not act on the request: 421 Misdirected Request (RFC 9110 §15.5.20,
 * may be repeated with any method) and 425 Too Early (RFC 8470 §5.2).
 */
export function isUnprocessedStatus(status: number): boolean {
  return status === 421 || status === 425;
}

function safe(reason: SafetyReason): RepeatSafety {
  return { again: true, reason };
}

function unsafe(reason: SafetyReason): RepeatSafety {
  return { again: false, reason };
}
