import type { ProxyReport } from "./proxy-stats.ts";
import type { RowState } from "./state.ts";

/**
 * How a run ended; `running` and `interrupted` are seen only by who reads the report from outside. `no-proxy`: lines wait
 * for a proxy, and none is fit in a time that a run waits, or ever.
 */
export type RunStatus = "complete" | "drained" | "aborted" | "no-proxy" | "running" | "interrupted";

/** The counts of a ledger at one moment; `lines` is the sum of `done`, `failed`, `skipped`, `unknown` and `waiting`. */
export interface RunTotals {
  readonly lines: number;
  readonly done: number;
  readonly failed: number;
  readonly skipped: number;
  readonly unknown: number;
  readonly waiting: number;
  /** Requests sent, over all runs. */
  readonly attempts: number;
  /** Body bytes received and kept, decoded. */
  readonly bytes: number;
  /** Epoch ms of the earliest deferred row. */
  readonly nextRetryAt?: number;
}

/** An input line that stands for its group. */
export interface SampleLine {
  readonly line: number;
  readonly url: string;
}

/** The rows that share a state and a reason. */
export interface ReasonGroup {
  readonly state: RowState["at"];
  readonly reason: string;
  readonly advice: string;
  readonly count: number;
  readonly retryable: boolean;
  /** The first few of them. */
  readonly samples: readonly SampleLine[];
}

/** What became of every line; `lines = done + failed + skipped + unknown + waiting`, always. */
export interface RunReport extends RunTotals {
  /** The last run's duration in ms. */
  readonly elapsed: number;
  readonly reasons: readonly ReasonGroup[];
  readonly status: RunStatus;
  /** Why it ended so, where that is not plain. */
  readonly why?: string;
  /** How the proxies did that the run went through; absent where it went through none. */
  readonly proxies?: ProxyReport;
}
