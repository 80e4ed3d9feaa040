import type { DatabaseSync } from "node:sqlite";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Clock, systemClock } from "@holdfast/policy";
import { type Job, isRepeatable } from "../ledger/job.ts";
import {
  type JobLease,
  type Ledger,
  LedgerError,
  type LedgerReader,
  type JobOutcome,
  type PlanCounts,
  type PlannedLine,
  type RunInfo,
} from "../ledger/ledger.ts";
import type { LineResult } from "../ledger/result.ts";
import type { RunProxyStats } from "../ledger/proxy-stats.ts";
import type { ReasonGroup, RunTotals } from "../ledger/report.ts";
import { interruptedReason } from "../ledger/state.ts";
import { RowClaims } from "./claims.ts";
import { openDatabase } from "./load.ts";
import { isLocked, type DirectoryLock, lockDirectory } from "./lock.ts";
import { LinePlanner } from "./planner.ts";
import {
  readRunInfo,
  readProxyStats,
  readProxySnapshot,
  readReasons,
  iterateResults,
  readTotals,
} from "./reader.ts";
import { OutcomeRecorder } from "./recorder.ts";
import { checkSchema, prepareWriter } from "./schema.ts";
import { type CommittedSegment, SegmentReader, SegmentWriter } from "./segments.ts";
import { readNumber } from "./row.ts";
import { wrapErrors, transaction } from "./transaction.ts";

/**
 * Opens the ledger of a directory for writing, making both when they do not exist, and puts right what a crash left.
 *
 * @throws LedgerError when another live process owns it, or when it is damaged.
 */
export function openLedger(
  directory: string,
  options: { readonly clock?: Pick<Clock, "date"> } = {},
): Ledger {
  return wrapErrors(directory, () => {
    mkdirSync(directory, { recursive: true });
    const lock = lockDirectory(directory);
    const path = databasePath(directory);
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

/** Opens the ledger of a directory for reading, whoever writes to it. @throws LedgerError when there is none. */
export function readLedger(directory: string): LedgerReader {
  const path = databasePath(directory);
  if (!existsSync(path)) throw new LedgerError(`${directory} holds no ledger`, path);
  return wrapErrors(path, () => {
    const db = openDatabase(path, { readOnly: true });
    checkSchema(db, path);
    return new SqliteLedgerReader(directory, db);
  });
}

function databasePath(directory: string): string {
  return join(directory, "ledger.db");
}

class SqliteLedgerReader implements LedgerReader {
  readonly directory: string;
  protected readonly db: DatabaseSync;
  protected readonly path: string;
  readonly #segments: SegmentReader;

  constructor(directory: string, db: DatabaseSync) {
    this.directory = directory;
    this.db = db;
    this.path = databasePath(directory);
    this.#segments = new SegmentReader(directory);
  }

  totals(): RunTotals {
    return wrapErrors(this.path, () => readTotals(this.db));
  }

  reasons(): readonly ReasonGroup[] {
    return wrapErrors(this.path, () => readReasons(this.db));
  }

  results(): Iterable<LineResult> {
    return iterateResults(this.db, this.directory, this.#segments);
  }

  runInfo(): RunInfo | undefined {
    const note = wrapErrors(this.path, () => readRunInfo(this.db));
    if (note === undefined) return undefined;
    return isLocked(this.directory) ? { ...note, status: "running" } : { status: "interrupted", ...note };
  }

  proxyStats(): readonly RunProxyStats[] | undefined {
    return wrapErrors(this.path, () => readProxyStats(this.db));
  }

  proxySnapshot(): unknown {
    return wrapErrors(this.path, () => readProxySnapshot(this.db));
  }

  close(): void {
    this.#segments.close();
    this.db.close();
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
  #broken: LedgerError | undefined;

  constructor({ directory, db, lock, clock }: OwnedLedger) {
    super(directory, db);
    resolveIntents(db, clock.date());
    this.#lock = lock;
    this.#clock = clock;
    this.#segments = new SegmentWriter(directory, lastCommitted(db));
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
    const intended = leases.filter(({ job }) => !isRepeatable(job));
    if (intended.length > 0) this.#write(() => this.#claims.release(intended));
  }

  record(outcome: JobOutcome): void {
    this.#write(() => this.#recorder.record(outcome));
  }

  commit(): void {
    this.#write(() => this.#claims.forget(this.#recorder.commit()));
  }

  reopenFailed(): void {
    this.#write(() =>
      transaction(this.db, () => {
        this.db.exec("UPDATE res SET retryable = 1 WHERE state = 'failed' AND reason NOT LIKE 'bad-input%'");
        this.db.prepare("UPDATE retry SET until = min(until, ?), rounds = 0").run(this.#clock.date());
      }),
    );
  }

  setRunInfo(note: RunInfo): void {
    this.#setFact("note", note);
  }

  setProxyStats(figures: readonly RunProxyStats[]): void {
    this.#setFact("proxies", figures);
  }

  setProxySnapshot(memory: unknown): void {
    this.#setFact("proxy-memory", memory);
  }

  override runInfo(): RunInfo | undefined {
    return wrapErrors(this.path, () => readRunInfo(this.db));
  }

  override close(): void {
    super.close();
    this.#segments.close();
    this.#lock.close();
  }

  #setFact(name: string, value: unknown): void {
    this.#write(() =>
      this.db
        .prepare("INSERT INTO run (k, v) VALUES (?, ?) ON CONFLICT DO UPDATE SET v = excluded.v")
        .run(name, JSON.stringify(value)),
    );
  }

  // After a write that failed, files and tables may disagree until the ledger is opened again: nothing more is written.
  #write<T>(work: () => T): T {
    if (this.#broken !== undefined) throw this.#broken;
    try {
      return wrapErrors(this.path, work);
    } catch (error) {
      if (error instanceof LedgerError) this.#broken = error;
      throw error;
    }
  }
}

function resolveIntents(db: DatabaseSync, at: number): void {
  if (db.prepare("SELECT 1 FROM intent LIMIT 1").get() === undefined) return;
  const resolve = db.prepare(`
    INSERT INTO res (id, state, reason, attempts, at) SELECT id, 'unknown', ?, 1, ? FROM intent WHERE true
    ON CONFLICT DO UPDATE SET state = 'unknown', reason = excluded.reason, retryable = 0, attempts = res.attempts + 1, at = excluded.at
    WHERE res.retryable = 1`);
  transaction(db, () => {
    resolve.run(interruptedReason, at);
    db.exec("DELETE FROM retry WHERE id IN (SELECT id FROM intent); DELETE FROM intent");
  });
}

function lastCommitted(db: DatabaseSync): CommittedSegment | undefined {
  const row = db.prepare("SELECT id, committed FROM seg ORDER BY id DESC LIMIT 1").get();
  return row === undefined
    ? undefined
    : { segment: readNumber(row, "id"), length: readNumber(row, "committed") };
}
