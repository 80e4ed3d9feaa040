import type { Body } from "../model/body.ts";
import { idempotentMethods } from "./options.ts";

/** What counts, of a request, when it is a question of sending it twice. */
export interface Sendable {
  readonly method: string;
  /** With one, the server can tell a second try from a second request. */
  readonly idempotencyKey?: string | undefined;
  readonly body: Pick<Body, "kind">;
}

/** What is known of the attempt that was made: each is false only when that is certain. */
export interface Evidence {
  /** Whether the server may have received the request: never false after an answer. */
  readonly mayHaveArrived: boolean;
  /** Whether the server may have acted on it: false also where it says itself that it has not. */
  readonly mayHaveActed: boolean;
  /** Whether some of the body may have been read to be sent. */
  readonly mayBeTouched: boolean;
}

/** Whether a request may be sent a second time, and why or why not. */
export interface Safety {
  readonly again: boolean;
  readonly reason: SafetyReason;
}

/**
 * `never-arrived`: the server did not see it · `not-processed`: it says that it did not act on it · `idempotent`: twice is as good as once (RFC 9110 §9.2.2) ·
 * `idempotency-key`: the server can recognise it · `may-have-arrived`: it could be executed twice ·
 * `body-not-replayable`: its body is used up, and would be sent empty.
 */
export type SafetyReason =
  | "never-arrived"
  | "not-processed"
  | "idempotent"
  | "idempotency-key"
  | "may-have-arrived"
  | "body-not-replayable";

/** Whether sending it twice has the effect of sending it once. */
export function isIdempotent(method: string): boolean {
  return idempotentMethods.has(method.toUpperCase());
}

/** Decides from evidence whether a request may be sent again; whether that would help is another question. */
export function maySendAgain({ method, idempotencyKey, body }: Sendable, evidence: Evidence): Safety {
  if (body.kind === "one-shot" && evidence.mayBeTouched) return no("body-not-replayable");
  if (!evidence.mayHaveArrived) return yes("never-arrived");
  if (!evidence.mayHaveActed) return yes("not-processed");
  if (isIdempotent(method)) return yes("idempotent");
  return idempotencyKey === undefined ? no("may-have-arrived") : yes("idempotency-key");
}

/**
 * Whether a status says that the request was not acted on: 421, misdirected (RFC 9110 §15.5.20: it may be sent again
 * whatever the method), and 425, too early (RFC 8470 §5.2).
 */
export function saysUnprocessed(status: number): boolean {
  return status === 421 || status === 425;
}

function yes(reason: SafetyReason): Safety {
  return { again: true, reason };
}

function no(reason: SafetyReason): Safety {
  return { again: false, reason };
}
