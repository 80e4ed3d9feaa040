import type { Body } from "../body.ts";
import { idempotentMethods } from "./retry-init.ts";

/** What counts, of a request, when it is a question of sending it twice. */
export interface Sendable {
  readonly method: string;
  /** With one, the server can tell a second try from a second request. */
  readonly idempotencyKey?: string | undefined;
  readonly body: Pick<Body, "kind">;
}

/** What is known of the attempt that was made, and what the caller declared beforehand. */
export interface Evidence {
  /** Whether the server may have received the request: false only when that is certain. */
  readonly mayHaveArrived: boolean;
  /** Whether an answer came, so that the server did receive the request. @default false */
  readonly answered?: boolean;
  /** Whether the caller says that the method may be sent again (`Retry.allowedMethods`). @default false */
  readonly allowed?: boolean;
  /** Whether any of the body was read to be sent; false only when that is certain. @default true */
  readonly bodyTouched?: boolean;
}

/** Whether a request may be sent a second time, and why or why not. */
export interface Safety {
  readonly again: boolean;
  readonly reason: SafetyReason;
}

/**
 * `never-arrived`: the server did not see it · `idempotent`: twice is as good as once (RFC 9110 §9.2.2) ·
 * `idempotency-key`: the server can recognise it · `allowed`: the caller said so · `may-have-arrived`, `not-idempotent`:
 * it could be, or was, executed · `body-not-replayable`: its body is used up, and would be sent empty.
 */
export type SafetyReason =
  | "never-arrived"
  | "idempotent"
  | "idempotency-key"
  | "allowed"
  | "may-have-arrived"
  | "not-idempotent"
  | "body-not-replayable";

/** Whether sending it twice has the effect of sending it once (RFC 9110 §9.2.2; QUERY by its own definition). */
export function isIdempotent(method: string): boolean {
  const name = method.toUpperCase();
  return name === "QUERY" || idempotentMethods.has(name);
}

/** Decides from evidence whether a request may be sent again; whether that would help is another question. */
export function maySendAgain(request: Sendable, evidence: Evidence): Safety {
  const answered = evidence.answered === true;
  const touched = answered || evidence.bodyTouched !== false;
  if (request.body.kind === "one-shot" && touched) return no("body-not-replayable");
  if (!evidence.mayHaveArrived && !answered) return yes("never-arrived");
  const licence = licenceOf(request, evidence);
  return licence === undefined ? no(answered ? "not-idempotent" : "may-have-arrived") : yes(licence);
}

/** Why a request may be executed twice. */
function licenceOf({ method, idempotencyKey }: Sendable, { allowed }: Evidence): SafetyReason | undefined {
  if (isIdempotent(method)) return "idempotent";
  if (idempotencyKey !== undefined) return "idempotency-key";
  return allowed === true ? "allowed" : undefined;
}

function yes(reason: SafetyReason): Safety {
  return { again: true, reason };
}

function no(reason: SafetyReason): Safety {
  return { again: false, reason };
}
