import type { OutcomeInput } from "../outcome/proxied-outcome.ts";
import type { JobLease } from "../ledger/ledger.ts";
import type { RowState } from "../ledger/state.ts";

export const url = "https://example.com/";

/** A line that is tried for the first time. */
export const get: JobLease = { job: { id: 1, line: 1, method: "GET", url }, from: "pending", deferrals: 0 };

/** One that may not be sent twice. */
export const post: JobLease = { ...get, job: { ...get.job, method: "POST" } };

/** A run that goes its way, without proxies. */
export const calm: OutcomeInput = {
  now: 1_000,
  maxDeferrals: 5,
  maxDeferDelay: 50_000,
  aborted: false,
  draining: false,
  proxied: false,
};

export const failedFor = (reason: string, retryable: boolean): RowState => ({
  at: "failed",
  reason,
  retryable,
});
