import type { OutcomeInput } from "../outcome/proxied-outcome.ts";
import type { JobLease } from "../ledger/ledger.ts";
import type { RowState } from "../ledger/state.ts";

export const exampleUrl = "https://example.com/";

/** A line that is tried for the first time. */
export const getLease: JobLease = {
  job: { id: 1, line: 1, method: "GET", url: exampleUrl },
  from: "pending",
  deferrals: 0,
};

/** One that may not be sent twice. */
export const postLease: JobLease = { ...getLease, job: { ...getLease.job, method: "POST" } };

/** A run that goes its way, without proxies. */
export const defaultInput: OutcomeInput = {
  now: 1_000,
  maxDeferrals: 5,
  maxDeferDelay: 50_000,
  aborted: false,
  draining: false,
  proxied: false,
};

export const failedState = (reason: string, retryable: boolean): RowState => ({
  at: "failed",
  reason,
  retryable,
});
