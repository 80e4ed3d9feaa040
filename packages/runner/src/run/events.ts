import type { Job } from "../ledger/job.ts";
import type { JobOutcome } from "../ledger/ledger.ts";
import type { PlanCounts } from "../ledger/list-reading.ts";
import type { RunTotals } from "../ledger/report.ts";

/** An event of a run. Events with an outcome are emitted after the outcome is on disk. Times are epoch ms. */
export type RunEvent =
  /** A batch of input lines was added to the ledger. `totals` includes it. */
  | ({ readonly type: "planned"; readonly totals: RunTotals } & PlanCounts)
  /** The input was read to its end. */
  | { readonly type: "input-ended" }
  /** A request was started. */
  | { readonly type: "started"; readonly job: Job }
  /** A line has an outcome. */
  | { readonly type: "finished"; readonly job: Job; readonly outcome: JobOutcome }
  /** A line is tried again at `until`. */
  | {
      readonly type: "deferred";
      readonly job: Job;
      readonly outcome: JobOutcome;
      readonly until: number;
    }
  /** No proxy is available for a host. Nothing is sent to it until then. */
  | { readonly type: "no-proxy"; readonly host: string; readonly until: number; readonly why: string }
  /** A host asked for a pause ("parked"), or gets only probes: it is "silent", "failing" with 5xx, or "refusing" with 401 or 403. Nothing is sent to it until then. */
  | {
      readonly type: "host-deferred";
      readonly host: string;
      readonly until: number;
      readonly reason: "parked" | "silent" | "failing" | "refusing";
    }
  /** A host was given up: its lines have ended with this reason. `totals` includes them. */
  | {
      readonly type: "host-down";
      readonly host: string;
      readonly reason: "host-down" | "dns";
      readonly lines: number;
      readonly totals: RunTotals;
    }
  /** Outcomes were written to disk, or lines were removed that are no longer in their list. */
  | { readonly type: "progress"; readonly totals: RunTotals; readonly inFlight: number };
