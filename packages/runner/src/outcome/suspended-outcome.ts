import type { JobLease, JobOutcome } from "../ledger/ledger.ts";
import type { FetchResult } from "./fetch-job.ts";
import { isFetchSuspension, type FetchSuspension, type FetchVerdict, isVerdict } from "./fetcher.ts";

/** A line that waits for a proxy is due again after this time, in ms. The pool then says how long its host must wait. */
export const maxProxyWaitDelay = 1_000;

/** Returns the suspension of a request that waits. */
export function findSuspension(result: FetchResult): (Error & FetchSuspension) | undefined {
  return !result.ok && isFetchSuspension(result.error) ? result.error : undefined;
}

/** Returns the outcome of a line that waits: it is deferred, and continues with its retries. */
export function suspendedOutcome(
  lease: JobLease,
  { wait, continuation, attempts, newAttempts }: FetchSuspension,
  { now, maxDeferDelay }: { readonly now: number; readonly maxDeferDelay: number },
): JobOutcome {
  const verdict = verdictOf(attempts.at(-1));
  const isSent = newAttempts > 0;
  const longest = wait.scope === "proxy" ? maxProxyWaitDelay : maxDeferDelay;
  const until = Math.min(Math.max(wait.until, now + 1), now + longest);
  const reason = (isSent ? verdict?.reason : undefined) ?? wait.source;
  return {
    lease,
    at: now,
    state: { at: "deferred", reason, until, deferrals: lease.deferrals },
    advice:
      (isSent ? verdict?.advice : undefined) ??
      "Run the same command again: the line continues with its retries",
    continuation,
    ...(isSent && { exchange: { attempts: attempts.slice(-newAttempts), bytes: 0, elapsed: 0 } }),
  };
}

/** Returns what a suspension says about the host: its new attempts; without one, the wait that kept the request from being sent. */
export function verdictOfSuspension({
  wait,
  attempts,
  newAttempts,
}: FetchSuspension): FetchVerdict | undefined {
  const retryAt = wait.isStated && wait.scope === "host" ? wait.until : undefined;
  if (newAttempts === 0) {
    if (wait.scope !== "host") return undefined;
    const verdict = { kind: "throttled", reason: wait.source, advice: "" } as const;
    return { verdict, retryAt: wait.until, attempts: [] };
  }
  const verdict = verdictOf(attempts.at(-1));
  return verdict && { verdict, retryAt, attempts: attempts.slice(-newAttempts) };
}

/** Returns the number of attempts that the result of a continued line repeats. Recognises a continuation by its shape. */
export function repeatedAttempts({ continuation }: Pick<JobLease, "continuation">): number {
  const attempts: unknown = continuation === undefined ? undefined : Reflect.get(continuation, "attempts");
  return Array.isArray(attempts) ? attempts.length : 0;
}

function verdictOf(attempt: unknown): FetchVerdict["verdict"] | undefined {
  const verdict: unknown =
    typeof attempt === "object" && attempt !== null ? Reflect.get(attempt, "verdict") : undefined;
  return isVerdict(verdict) ? verdict : undefined;
}
