import { HoldfastError } from "@holdfast/policy";
import { brandClass } from "@holdfast/policy/internal";
import type { HostState } from "../host/host-state.ts";
import type { Job } from "./job.ts";
import type { ListReading, OtherList, PlanCounts, PlannedLine } from "./list-reading.ts";
import type { OutcomeState } from "./state.ts";
import type { RunProxyStats } from "./proxy-stats.ts";
import type { ReasonGroup, RunStatus, RunTotals } from "./report.ts";
import type { LineResult } from "./result.ts";
import type { LineFilter } from "./where.ts";

/** Thrown when the ledger cannot be used: another live process holds it, it is damaged, another version wrote it, or a write to the disk failed. */
export class LedgerError extends HoldfastError {
  readonly code = "ERR_LEDGER";
  /** The file or directory with the problem. */
  readonly path: string;

  constructor(message: string, path: string, options?: ErrorOptions) {
    super(message, options);
    this.path = path;
  }
}

brandClass(LedgerError, "LedgerError");

/** A row that was handed out to be fetched. */
export interface JobLease {
  readonly job: Job;
  /** The id of its host. */
  readonly host: number;
  /** The state of the row before the lease. */
  readonly from: "pending" | "failed" | "deferred";
  /** How often the row has been deferred so far. */
  readonly deferrals: number;
  /** Continues the request of a deferred row with its retries and attempts. */
  readonly continuation?: object | undefined;
}

/** A host as the ledger stores it. */
export interface StoredHost {
  readonly id: number;
  readonly key: string;
  readonly state: HostState;
}

/** A host to store, and when it may get a request again (epoch ms). Undefined where it has no line that waits. */
export interface SavedHost extends StoredHost {
  readonly wakeAt?: number | undefined;
}

/** Why the lines of a host end. */
export interface HostEnd {
  readonly reason: string;
  /** Advice for a person, with the evidence. */
  readonly advice: string;
  /** Epoch ms. */
  readonly at: number;
}

/** Which rows of a host to hand out. */
export interface ClaimOptions {
  /** Deferred rows are handed out when they are due at this time (epoch ms). */
  readonly now: number;
  readonly max: number;
  /** Begins at this place of the host's lines (0 to 1), for a probe with another line. */
  readonly from?: number;
}

/** The stored part of a request and its response. Without a response there is no `status`, and `error` says why. */
export interface RecordedExchange {
  readonly status?: number;
  /** The URL after redirects. */
  readonly finalUrl?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: Uint8Array;
  /** The length of the decoded body. */
  readonly bytes: number;
  /** One JSON-able record per attempt. */
  readonly attempts: readonly unknown[];
  /** How many of them the row has counted before, because its request was continued. @default 0 */
  readonly repeated?: number;
  /** In ms. */
  readonly elapsed: number;
  readonly error?: string;
}

/** Returns the number of attempts that the row has not counted yet. */
export function countNewAttempts(exchange: RecordedExchange | undefined): number {
  return exchange === undefined ? 0 : exchange.attempts.length - (exchange.repeated ?? 0);
}

/** The end of a lease: the new state of the row, and the exchange. */
export interface JobOutcome {
  readonly lease: JobLease;
  readonly state: OutcomeState;
  /** Advice for a person; may be empty. */
  readonly advice: string;
  /** Absent when nothing was sent, for instance because the host is deferred. */
  readonly exchange?: RecordedExchange;
  /** Continues the request of a deferred row. @default that of the lease */
  readonly continuation?: object | undefined;
  /** Epoch ms. */
  readonly at: number;
}

/** The start, duration and end of a run, as the ledger stores it. */
export interface RunInfo {
  /** Epoch ms. */
  readonly startedAt: number;
  /** Duration of the run in ms; until its latest outcome while it has no end. */
  readonly elapsed?: number;
  readonly status?: RunStatus;
  /** Why no proxy was available, for the status "no-proxy". */
  readonly why?: string;
}

/** Reads a ledger, also while another process writes to it. Every method throws LedgerError when the ledger cannot be read. */
export interface LedgerReader {
  readonly directory: string;
  totals(): RunTotals;
  /** Returns the groups of rows that are not `done`, the largest first. */
  reasons(): readonly ReasonGroup[];
  /** Yields every row in the order in which it was planned, without those of lines that were removed from their list. */
  results(): Iterable<LineResult>;
  /** Returns the paths of the lists in the ledger, in the order in which they were added. */
  lists(): readonly string[];
  /** Returns the start, duration and status of the last run; undefined before the first run. */
  runInfo(): RunInfo | undefined;
  /** Returns the statistics of the run's proxies; undefined when it has used none. */
  proxyStats(): readonly RunProxyStats[] | undefined;
  /** Returns the saved health of the run's proxies; undefined when none was saved. */
  proxySnapshot(): unknown;
  /** Returns what the program keeps between its runs, such as its options; undefined when it has kept nothing. */
  programState(): unknown;
  close(): void;
}

/**
 * Stores a run durably: one row per counted input line, and at most one outcome per row.
 * One live process at a time owns a ledger. Every method throws LedgerError when it cannot keep its promise.
 */
export interface Ledger extends LedgerReader {
  /**
   * Begins to read the list with this absolute path, or lines that come without a file, such as standard input.
   *
   * A line is identified by its request: the n-th line with the same method, URL and body is the same row in every reading, at
   * any place in the list. A new or changed line becomes a new row.
   *
   * @throws LedgerError for another path than those of the lists of the ledger, unless `other` allows it.
   */
  startReading(path: string | undefined, other?: OtherList): ListReading;
  /** Adds lines without a file, in one transaction. All calls on one object belong to one reading. */
  plan(lines: readonly PlannedLine[]): PlanCounts;
  /** Returns up to `max` hosts with lines to fetch that may get requests at `now`, without those in `except`. */
  readyHosts(now: number, max: number, except: ReadonlyMap<number, unknown>): readonly StoredHost[];
  /** Returns when the next of the other hosts may get requests, in epoch ms; undefined when none waits. */
  nextWakeAt(now: number): number | undefined;
  /**
   * Hands out rows of a host, each at most once per object: first those that were deferred and are due, the longest overdue
   * first. Returns an empty list when none may be fetched now.
   */
  claim(host: number, options: ClaimOptions): readonly JobLease[];
  /** Takes back leases of which nothing was sent, so that they can be handed out again. */
  putBack(leases: readonly JobLease[]): void;
  /** Returns when the next row of a host that is not handed out is due, in epoch ms; 0 for one that was never deferred. */
  nextDueAt(host: number): number | undefined;
  /** Stages the state of a host for the next `commit`. */
  saveHost(host: SavedHost): void;
  /** Ends every line of a host that is not handed out as a retryable failure. Returns how many there were. */
  endHost(host: number, end: HostEnd): number;
  /** Stores durably that the jobs are about to be sent. After a crash, a job without an outcome is `unknown`, unless it may be sent again. */
  recordIntent(jobs: readonly Job[]): void;
  /** Takes leases back unchanged, because nothing was sent or it may be sent again. The rows are not handed out again by this object. */
  release(leases: readonly JobLease[]): void;
  /** Stages an outcome for the next `commit`. */
  record(outcome: JobOutcome): void;
  /** Writes the staged states and bodies. After it returns they survive a crash and a power loss. A row with a final outcome keeps it. */
  commit(): void;
  /**
   * Makes every failed row retryable, except invalid lines, and every deferred row due, with its deferrals reset to 0, and ends
   * the pauses that hosts asked for. With a filter, only those that it chooses.
   */
  reopenFailed(where?: LineFilter): void;
  /**
   * Opens rows with a result again. With `refresh`, those that are done, and the server is asked whether the body is still the
   * same: then the result stays. Otherwise failed and unknown rows, too. Returns how many.
   */
  openAgain(where: LineFilter | undefined, refresh: boolean): number;
  /** Frees the disk space of bodies that were replaced. Returns the freed bytes. */
  compact(): number;
  setRunInfo(info: RunInfo): void;
  setProxyStats(stats: readonly RunProxyStats[]): void;
  setProxySnapshot(snapshot: unknown): void;
  /** `state` is JSON without secrets. */
  setProgramState(state: unknown): void;
}
