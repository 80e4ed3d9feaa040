import type { Job } from "../ledger/job.ts";
import type { JobOutcome, PlanCounts } from "../ledger/ledger.ts";
import type { RunTotals } from "../ledger/report.ts";

/** What happened in a run; outcomes are told after they are on disk. */
export type RunEvent =
  | ({ readonly type: "planned" } & PlanCounts)
  | { readonly type: "input-ended" }
  | { readonly type: "started"; readonly job: Job }
  | { readonly type: "finished"; readonly job: Job; readonly outcome: JobOutcome }
  | {
      readonly type: "deferred";
      readonly job: Job;
      readonly outcome: JobOutcome;
      readonly until: number /* epoch ms */;
    }
  /** No proxy is fit for a host: nothing is sent to it until then. */
  | {
      readonly type: "no-proxy";
      readonly host: string;
      readonly until: number /* epoch ms */;
      readonly why: string;
    }
  | { readonly type: "host-held"; readonly host: string; readonly until: number /* epoch ms */ }
  | { readonly type: "progress"; readonly totals: RunTotals; readonly inFlight: number };
