import { summarizeError, type AttemptRecord } from "../model/attempt-record.ts";
import { errorVerdict } from "../model/verdict.ts";

/** An attempt whose body broke off after it was given out. */
export interface BrokenAttempt {
  readonly error: unknown;
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  readonly startedAt: number;
}

/** Why no other attempt follows: what was given out cannot be taken back. */
export const bodyGivenOut = "not-retried: body-given-out";

/** The record of such an attempt, where no other one follows. */
export function brokenAttemptRecord(
  { error, startedAt }: BrokenAttempt,
  { elapsed, ...known }: Pick<AttemptRecord, "number" | "method" | "url" | "elapsed">,
): AttemptRecord {
  const verdict = errorVerdict(error);
  return { ...known, startedAt, elapsed, error: summarizeError(error), verdict, decision: bodyGivenOut };
}
