import type { AttemptRecord } from "../model/attempt-record.ts";
import type { Verdict } from "../model/verdict.ts";

/** The attempts and the duration of a call that has ended. */
export interface CallTimeline {
  readonly attempts: readonly AttemptRecord[];
  readonly elapsed: number;
  readonly retryAt: number | undefined;
}

/** The result of the last attempt of a call, or of the error thrown instead of its response. */
export type FinalAttempt = Pick<AttemptRecord, "status" | "error" | "verdict" | "decision">;

/** A call that ended without success, as plain data that is safe to log and store. */
export interface GiveUp {
  /** The status of the last response. Absent without a response. */
  readonly status?: number;
  /** The error of the last attempt, or the error thrown instead of its response. */
  readonly error?: NonNullable<AttemptRecord["error"]>;
  /** The meaning of the failure, with advice for a person. */
  readonly verdict: Verdict;
  /** Why no further attempt followed: `"retries-exhausted"`, `"given-up: deadline"`, `"not-retried: http-404"`. */
  readonly decision: string;
  /** Every attempt, in order. */
  readonly attempts: readonly AttemptRecord[];
  /** Duration of the call, waits included, in milliseconds. */
  readonly elapsed: number;
  /** When the server allows the next request, in milliseconds since 1970, if it says so. */
  readonly retryAt?: number;
}

/** Returns whether a call that ended with this attempt ended without success. */
export function isGivenUp({ decision, verdict }: Pick<AttemptRecord, "decision" | "verdict">): boolean {
  if (decision === "success" || decision === "redirected") return false;
  // A redirect that the user's own rules examined and accepted.
  return !(verdict.kind === "success" && decision === `not-retried: ${verdict.reason}`);
}

/** Describes a call that ended without success, as plain data. */
export function toGiveUp(
  { status, error, verdict, decision }: FinalAttempt,
  { attempts, elapsed, retryAt }: CallTimeline,
): GiveUp {
  return {
    ...(status !== undefined && { status }),
    ...(error !== undefined && { error }),
    verdict,
    decision,
    // Copied, since the call extends its own list when the body of a returned response breaks off.
    attempts: [...attempts],
    elapsed,
    ...(retryAt !== undefined && { retryAt }),
  };
}
