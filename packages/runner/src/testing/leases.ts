import type { OutcomeInput } from "../outcome/proxied-outcome.ts";
import type { JobLease } from "../ledger/ledger.ts";
import type { RowState } from "../ledger/state.ts";

export const exampleUrl = "https://example.com/";

/** The first lease of a GET line. */
export const getLease: JobLease = {
  job: { id: 1, line: 1, method: "GET", url: exampleUrl },
  host: 1,
  from: "pending",
  deferrals: 0,
};

/** The first lease of a line that must not be sent twice. */
export const postLease: JobLease = { ...getLease, job: { ...getLease.job, method: "POST" } };

/** A run that is neither draining nor aborted, without proxies. */
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
