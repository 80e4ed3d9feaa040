import type { DatabaseSync } from "node:sqlite";
import { existsSync, mkdirSync } from "node:fs";
import { type Clock, systemClock } from "@holdfast/policy";
import { isRepeatable, type Job } from "../ledger/job.ts";
import {
  type JobLease,
  type JobOutcome,
  type Ledger,
  LedgerError,
  type PlanCounts,
  type PlannedLine,
  type RunInfo,
} from "../ledger/ledger.ts";
import type { RunProxyStats } from "../ledger/proxy-stats.ts";
import { type DirectoryLock, lockDirectory } from "./directory-lock.ts";
import { LinePlanner } from "./line-planner.ts";
import { openDatabase } from "./open-database.ts";
import { OutcomeRecorder, readLastCommitted } from "./outcome-recorder.ts";
import { reopenFailedRows, resolveIntents, RowClaims } from "./row-claims.ts";
import { readRunInfo, writeRunValue } from "./run-table.ts";
import { checkFileVersion, checkSchema, isEmpty, prepareWriter } from "./schema.ts";
import { SegmentWriter } from "./segments.ts";
import { databasePath, SqliteLedgerReader } from "./sqlite-ledger-reader.ts";
import { wrapErrors } from "./transaction.ts";

/**
 * Opens the ledger of a directory for writing. Creates both when they do not exist, and repairs the state after a crash.
 *
 * @throws LedgerError when another live process holds the ledger, when it is damaged, or when another version wrote it.
 */
export function openLedger(
  directory: string,
  options: { readonly clock?: Pick<Clock, "date"> } = {},
): Ledger {
  return wrapErrors(directory, () => {
    mkdirSync(directory, { recursive: true });
    const path = databasePath(directory);
    if (existsSync(path)) checkExisting(path);
    const lock = lockDirectory(directory);
    let db: DatabaseSync | undefined;
    try {
      db = openDatabase(path);
      prepareWriter(db, path);
      return new SqliteLedger({ directory, db, lock, clock: options.clock ?? systemClock });
    } catch (error) {
      db?.close();
      lock.close();
      throw error;
    }
  });
}

/** Rejects a ledger of another version before a connection that writes is opened, so that nothing in its folder changes. */
function checkExisting(path: string): void {
  if (checkFileVersion(path)) return;
  const db = openDatabase(path, { readOnly: true });
  try {
    if (!isEmpty(db)) checkSchema(db, path);
  } finally {
    db.close();
  }
}

interface OwnedLedger {
  readonly directory: string;
  readonly db: DatabaseSync;
  readonly lock: DirectoryLock;
  readonly clock: Pick<Clock, "date">;
}

class SqliteLedger extends SqliteLedgerReader implements Ledger {
  readonly #lock: DirectoryLock;
  readonly #clock: Pick<Clock, "date">;
  readonly #segments: SegmentWriter;
  readonly #planner: LinePlanner;
  readonly #claims: RowClaims;
  readonly #recorder: OutcomeRecorder;
  #writeError: LedgerError | undefined;

  constructor({ directory, db, lock, clock }: OwnedLedger) {
    super(directory, db);
    resolveIntents(db, clock.date());
    this.#lock = lock;
    this.#clock = clock;
    this.#segments = new SegmentWriter(directory, readLastCommitted(db));
    this.#planner = new LinePlanner(db, () => clock.date());
    this.#claims = new RowClaims(db);
    this.#recorder = new OutcomeRecorder(db, this.#segments);
  }

  plan(lines: readonly PlannedLine[]): PlanCounts {
    return this.#write(() => this.#planner.plan(lines));
  }

  claim(max: number): readonly JobLease[] {
    return wrapErrors(this.path, () => this.#claims.claim(max));
  }

  claimDue(now: number, max: number): readonly JobLease[] {
    return wrapErrors(this.path, () => this.#claims.claimDue(now, max));
  }

  nextDueAt(): number | undefined {
    return wrapErrors(this.path, () => this.#claims.nextDueAt());
  }

  recordIntent(jobs: readonly Job[]): void {
    this.#write(() => this.#claims.recordIntent(jobs));
  }

  release(leases: readonly JobLease[]): void {
    const withIntent = leases.filter(({ job }) => !isRepeatable(job));
    if (withIntent.length > 0) this.#write(() => this.#claims.release(withIntent));
  }

  record(outcome: JobOutcome): void {
    this.#write(() => this.#recorder.record(outcome));
  }

  commit(): void {
    this.#write(() => this.#claims.forget(this.#recorder.commit()));
  }

  reopenFailed(): void {
    this.#write(() => reopenFailedRows(this.db, this.#clock.date()));
  }

  setRunInfo(info: RunInfo): void {
    this.#write(() => writeRunValue(this.db, "info", info));
  }

  setProxyStats(stats: readonly RunProxyStats[]): void {
    this.#write(() => writeRunValue(this.db, "proxy-stats", stats));
  }

  setProxySnapshot(snapshot: unknown): void {
    this.#write(() => writeRunValue(this.db, "proxy-snapshot", snapshot));
  }

  override runInfo(): RunInfo | undefined {
    return wrapErrors(this.path, () => readRunInfo(this.db));
  }

  override close(): void {
    super.close();
    this.#segments.close();
    this.#lock.close();
  }

  // After a failed write, files and tables may disagree until the ledger is opened again: every later write must fail too.
  #write<T>(work: () => T): T {
    if (this.#writeError !== undefined) throw this.#writeError;
    try {
      return wrapErrors(this.path, work);
    } catch (error) {
      if (error instanceof LedgerError) this.#writeError = error;
      throw error;
    }
  }
}
