import type { Totals } from "./ledger.ts";
import type { ProxyReport } from "./proxy-stats.ts";
import type { State } from "./state.ts";

/**
 * How a run ended; `running` and `interrupted` are seen only by who reads the report from outside. `no-proxy`: lines wait
 * for a proxy, and none is fit in a time that a run waits, or ever.
 */
export type RunEnd = "complete" | "drained" | "aborted" | "no-proxy" | "running" | "interrupted";

/** An input line that stands for its group. */
export interface Sample {
  readonly line: number;
  readonly url: string;
}

/** The rows that share a state and a reason. */
export interface ReasonGroup {
  readonly state: State["at"];
  readonly reason: string;
  readonly advice: string;
  readonly count: number;
  readonly retryable: boolean;
  /** The first few of them. */
  readonly samples: readonly Sample[];
}

/** What became of every line; `lines = done + failed + skipped + unknown + waiting`, always. */
export interface RunReport extends Totals {
  /** The last run's duration in ms. */
  readonly elapsed: number;
  readonly reasons: readonly ReasonGroup[];
  readonly ended: RunEnd;
  /** Why it ended so, where that is not plain. */
  readonly why?: string;
  /** How the proxies did that the run went through; absent where it went through none. */
  readonly proxies?: ProxyReport;
}
