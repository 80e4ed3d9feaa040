import type { AttemptRecord } from "../model/attempt-record.ts";
import type { Verdict } from "../model/verdict.ts";

/** The story of a call that has ended. */
export interface CallTimeline {
  readonly attempts: readonly AttemptRecord[];
  readonly elapsed: number;
  readonly retryAt: number | undefined;
}

/** How the last attempt of a call ended, or what was thrown in place of its answer. */
export type FinalAttempt = Pick<AttemptRecord, "status" | "error" | "verdict" | "decision">;

/** How a call ended that brought no success: plain data, safe to log and to store. */
export interface GiveUp {
  /** The last answer's; absent when no answer came. */
  readonly status?: number;
  /** What the last attempt failed with, or what was thrown in place of its answer. */
  readonly error?: NonNullable<AttemptRecord["error"]>;
  /** What it means, and what a person should do about it. */
  readonly verdict: Verdict;
  /** Why no other attempt followed: `"retries-exhausted"`, `"given-up: deadline"`, `"not-retried: http-404"`. */
  readonly decision: string;
  /** Every attempt, in order. */
  readonly attempts: readonly AttemptRecord[];
  /** The whole call, waits included, in milliseconds. */
  readonly elapsed: number;
  /** When the server wants to be asked again, in milliseconds since 1970, where it said so. */
  readonly retryAt?: number;
}

/** Whether a call that ended with this attempt ended without success. */
export function isGivenUp({ decision, verdict }: AttemptRecord): boolean {
  if (decision === "success" || decision === "redirected") return false;
  // A redirect that the caller's own rules had a say on, and let pass.
  return !(verdict.kind === "success" && decision === `not-retried: ${verdict.reason}`);
}

/** Tells in plain data of a call that ended without success. */
export function toGiveUp(
  { status, error, verdict, decision }: FinalAttempt,
  { attempts, elapsed, retryAt }: CallTimeline,
): GiveUp {
  return {
    ...(status !== undefined && { status }),
    ...(error !== undefined && { error }),
    verdict,
    decision,
    // Copied: the call goes on with its own list when a body that was given out breaks off.
    attempts: [...attempts],
    elapsed,
    ...(retryAt !== undefined && { retryAt }),
  };
}
