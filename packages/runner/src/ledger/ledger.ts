import { HoldfastError } from "@holdfast/policy";
import type { Job, NewJob } from "./job.ts";
import type { OutcomeState } from "./state.ts";
import type { RunProxyStats } from "./proxy-stats.ts";
import type { ReasonGroup, RunStatus, RunTotals } from "./report.ts";
import type { LineResult } from "./result.ts";

/** The ledger cannot be used: another live process holds it, it is corrupt, or its disk refuses. */
export class LedgerError extends HoldfastError {
  readonly code = "ERR_LEDGER";
  /** The file or directory that is the matter. */
  readonly path: string;

  constructor(message: string, path: string, options?: ErrorOptions) {
    super(message, options);
    this.path = path;
  }
}

/** A line to be planned: a job, or text that cannot be one and why. */
export type PlannedLine =
  | ({ readonly kind: "job" } & NewJob)
  | { readonly kind: "invalid"; readonly line: number; readonly text: string; readonly reason: string };

/** What planning a batch of lines did to the ledger; the four add up to the batch. */
export interface PlanCounts {
  readonly added: number;
  /** Lines that were rows already, from an earlier run. */
  readonly known: number;
  readonly duplicates: number;
  readonly invalid: number;
}

/** A row handed out to be fetched. */
export interface JobLease {
  readonly job: Job;
  /** The state it was in before. */
  readonly from: "pending" | "failed" | "deferred";
  /** How often the row has been deferred so far. */
  readonly deferrals: number;
}

/** What is kept of an exchange, beside the state of its row. */
export interface RecordedExchange {
  readonly status?: number;
  /** After redirects. */
  readonly finalUrl?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: Uint8Array;
  /** The length of the decoded body. */
  readonly bytes: number;
  readonly attempts: readonly unknown[];
  readonly elapsed: number;
  readonly error?: string;
}

/** The end of a lease: the new state and what was received. */
export interface JobOutcome {
  readonly lease: JobLease;
  readonly state: OutcomeState;
  readonly advice: string;
  /** Absent when nothing was sent, for instance when a whole host is held. */
  readonly exchange?: RecordedExchange;
  /** Epoch ms. */
  readonly at: number;
}

/** What a run notes about itself for `readReport`. */
export interface RunInfo {
  /** Epoch ms. */
  readonly startedAt: number;
  /** How long the run took, or has taken until its latest outcome. */
  readonly elapsed?: number;
  readonly status?: RunStatus;
  /** What a person should know of why it ended, where that is not plain. */
  readonly why?: string;
}

/** Reads a ledger, also while another process writes to it. Every method throws LedgerError when the ledger cannot be read. */
export interface LedgerReader {
  readonly directory: string;
  totals(): RunTotals;
  /** Every group of rows that did not end as `done`, the largest first. */
  reasons(): readonly ReasonGroup[];
  /** Every row in the order in which it was planned. */
  results(): Iterable<LineResult>;
  /** What the last run noted of itself; undefined before the first one. */
  runInfo(): RunInfo | undefined;
  /** How the proxies did that the run went through; undefined where it never went through any. */
  proxyStats(): readonly RunProxyStats[] | undefined;
  /** What the pool of the run knew of the health of its proxies; undefined where nothing was kept. */
  proxySnapshot(): unknown;
  close(): void;
}

/**
 * Keeps what a run must not forget: one row per counted input line and at most one outcome per row.
 * One live process at a time owns a ledger. Every method throws LedgerError when the ledger cannot do what it promises.
 */
export interface Ledger extends LedgerReader {
  /**
   * Adds the lines that are not rows yet, in one transaction.
   * A line is its request: the n-th line with the same method, URL and body is the same row in every run, wherever in the list it stands.
   * So a list that grew adds its new lines, a line that changed is a new row, and rows of lines that are gone stay in the run.
   * All calls in the life of one object read one list.
   */
  plan(lines: readonly PlannedLine[]): PlanCounts;
  /** Hands out the next open rows in order, each at most once in the life of this object; empty when there are none at present. */
  claim(max: number): readonly JobLease[];
  /** Hands out deferred rows that are due at `now` (epoch ms), the longest overdue first. */
  claimDue(now: number, max: number): readonly JobLease[];
  /** The earliest time (epoch ms) at which a deferred row that is not handed out comes due. */
  nextDueAt(): number | undefined;
  /** Notes durably that the jobs are about to be sent; without an outcome they are `unknown` after a crash, unless they may be sent again. */
  recordIntent(jobs: readonly Job[]): void;
  /** Takes leases back as they were: nothing was sent, or it may be sent again. They are not handed out again in the life of this object. */
  release(leases: readonly JobLease[]): void;
  /** Takes an outcome in, to be recorded by the next `commit`. */
  record(outcome: JobOutcome): void;
  /** Records states and bodies of what was taken in: after it returns they survive a crash and a power loss. A row that ended for good keeps its first outcome. */
  commit(): void;
  /** Makes every failed row retryable, but for lines that are no request, and every deferred row due, as if it had never been deferred. */
  reopenFailed(): void;
  setRunInfo(note: RunInfo): void;
  setProxyStats(figures: readonly RunProxyStats[]): void;
  setProxySnapshot(memory: unknown): void;
}
