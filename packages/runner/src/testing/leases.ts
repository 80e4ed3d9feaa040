import type { Circumstances } from "../outcome/conclude.ts";
import type { Lease } from "../ledger/ledger.ts";
import type { State } from "../ledger/state.ts";

export const url = "https://example.com/";

/** A line that is tried for the first time. */
export const get: Lease = { job: { id: 1, line: 1, method: "GET", url }, from: "pending", rounds: 0 };

/** One that may not be sent twice. */
export const post: Lease = { ...get, job: { ...get.job, method: "POST" } };

/** A run that goes its way, without proxies. */
export const calm: Circumstances = {
  now: 1_000,
  maxRounds: 5,
  maxDefer: 50_000,
  aborted: false,
  draining: false,
  proxied: false,
};

export const failedFor = (reason: string, retryable: boolean): State => ({ at: "failed", reason, retryable });
