import type { StateCounts } from "./list-reading.ts";
import type { ProxyReport } from "./proxy-stats.ts";
import type { RowState } from "./state.ts";

/**
 * The status of a run.
 *
 * - `complete`: every line has an outcome, or waits for longer than the run does.
 * - `drained`: the caller's `drain` signal ended it. `aborted`: the caller's `signal` ended it.
 * - `no-proxy`: lines wait for a proxy, and none will be available soon enough, or ever.
 * - `running` and `interrupted` (its process died): seen only by `readReport`.
 */
export type RunStatus = "complete" | "drained" | "aborted" | "no-proxy" | "running" | "interrupted";

/** The counts of a run at one moment. `lines` is the sum of `done`, `failed`, `skipped`, `unknown` and `waiting`. */
export interface RunTotals extends StateCounts {
  readonly lines: number;
  /** Lines that are no longer in their list. They are not among `lines`, and are not fetched. */
  readonly removed: number;
  /** Requests sent, over all runs in the folder. */
  readonly attempts: number;
  /** Stored body bytes, decoded, over all runs in the folder. */
  readonly bytes: number;
  /** When the first deferred line is due, in epoch ms. */
  readonly nextRetryAt?: number;
}

/** An input line that is shown as an example of its group. */
export interface SampleLine {
  readonly line: number;
  readonly url: string;
}

/** The lines that share a state and a reason. */
export interface ReasonGroup {
  readonly state: RowState["at"];
  readonly reason: string;
  /** Advice for a person; may be empty. */
  readonly advice: string;
  readonly count: number;
  /** Whether the next run tries the lines again. */
  readonly retryable: boolean;
  /** The first lines of the group. */
  readonly samples: readonly SampleLine[];
}

/** The result of a run. `lines = done + failed + skipped + unknown + waiting`, always. */
export interface RunReport extends RunTotals {
  /** Duration of the last run, in ms. */
  readonly elapsed: number;
  readonly reasons: readonly ReasonGroup[];
  readonly status: RunStatus;
  /** Why no proxy was available, for the status "no-proxy". */
  readonly why?: string;
  /** The statistics of the run's proxies; absent when it has used none. */
  readonly proxies?: ProxyReport;
}
