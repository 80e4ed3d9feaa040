import type { Job } from "../ledger/job.ts";
import type { Outcome, Planned, Totals } from "../ledger/ledger.ts";

/** What happened in a run; outcomes are told after they are on disk. */
export type RunEvent =
  | ({ readonly type: "planned" } & Planned)
  | { readonly type: "input-ended" }
  | { readonly type: "started"; readonly job: Job }
  | { readonly type: "finished"; readonly job: Job; readonly outcome: Outcome }
  | {
      readonly type: "deferred";
      readonly job: Job;
      readonly outcome: Outcome;
      readonly until: number /* epoch ms */;
    }
  /** No proxy is fit for a host: nothing is sent to it until then. */
  | {
      readonly type: "no-proxy";
      readonly host: string;
      readonly until: number /* epoch ms */;
      readonly why: string;
    }
  | { readonly type: "held"; readonly host: string; readonly until: number /* epoch ms */ }
  | { readonly type: "progress"; readonly totals: Totals; readonly inFlight: number };
