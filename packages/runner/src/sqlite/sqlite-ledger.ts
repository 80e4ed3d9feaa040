import type { DatabaseSync } from "node:sqlite";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Clock, systemClock } from "@holdfast/policy";
import { type Job, maySendAgain } from "../ledger/job.ts";
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
import { Claims } from "./claims.ts";
import { openDatabase } from "./load.ts";
import { isLocked, type Lock, lockDirectory } from "./lock.ts";
import { Planner } from "./planner.ts";
import {
  readRunInfo,
  readProxyStats,
  readProxySnapshot,
  readReasons,
  iterateResults,
  readTotals,
} from "./reader.ts";
import { Recorder } from "./recorder.ts";
import { checkLayout, prepareWriter } from "./schema.ts";
import { type Committed, SegmentReader, SegmentWriter } from "./segments.ts";
import { numberOf } from "./row.ts";
import { guarded, transaction } from "./transaction.ts";

/**
 * Opens the ledger of a directory for writing, making both when they do not exist, and puts right what a crash left.
 *
 * @throws LedgerError when another live process owns it, or when it is damaged.
 */
export function openLedger(
  directory: string,
  options: { readonly clock?: Pick<Clock, "date"> } = {},
): Ledger {
  return guarded(directory, () => {
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
  return guarded(path, () => {
    const db = openDatabase(path, { readOnly: true });
    checkLayout(db, path);
    return new SqliteReader(directory, db);
  });
}

function databasePath(directory: string): string {
  return join(directory, "ledger.db");
}

class SqliteReader implements LedgerReader {
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
    return guarded(this.path, () => readTotals(this.db));
  }

  reasons(): readonly ReasonGroup[] {
    return guarded(this.path, () => readReasons(this.db));
  }

  results(): Iterable<LineResult> {
    return iterateResults(this.db, this.directory, this.#segments);
  }

  runInfo(): RunInfo | undefined {
    const note = guarded(this.path, () => readRunInfo(this.db));
    if (note === undefined) return undefined;
    return isLocked(this.directory) ? { ...note, status: "running" } : { status: "interrupted", ...note };
  }

  proxyStats(): readonly RunProxyStats[] | undefined {
    return guarded(this.path, () => readProxyStats(this.db));
  }

  proxySnapshot(): unknown {
    return guarded(this.path, () => readProxySnapshot(this.db));
  }

  close(): void {
    this.#segments.close();
    this.db.close();
  }
}

interface Owned {
  readonly directory: string;
  readonly db: DatabaseSync;
  readonly lock: Lock;
  readonly clock: Pick<Clock, "date">;
}

class SqliteLedger extends SqliteReader implements Ledger {
  readonly #lock: Lock;
  readonly #clock: Pick<Clock, "date">;
  readonly #segments: SegmentWriter;
  readonly #planner: Planner;
  readonly #claims: Claims;
  readonly #recorder: Recorder;
  #broken: LedgerError | undefined;

  constructor({ directory, db, lock, clock }: Owned) {
    super(directory, db);
    resolveIntents(db, clock.date());
    this.#lock = lock;
    this.#clock = clock;
    this.#segments = new SegmentWriter(directory, lastCommitted(db));
    this.#planner = new Planner(db, () => clock.date());
    this.#claims = new Claims(db);
    this.#recorder = new Recorder(db, this.#segments);
  }

  plan(lines: readonly PlannedLine[]): PlanCounts {
    return this.#write(() => this.#planner.plan(lines));
  }

  claim(max: number): readonly JobLease[] {
    return guarded(this.path, () => this.#claims.claim(max));
  }

  claimDue(now: number, max: number): readonly JobLease[] {
    return guarded(this.path, () => this.#claims.due(now, max));
  }

  nextDueAt(): number | undefined {
    return guarded(this.path, () => this.#claims.nextDue());
  }

  recordIntent(jobs: readonly Job[]): void {
    this.#write(() => this.#claims.intend(jobs));
  }

  release(leases: readonly JobLease[]): void {
    const intended = leases.filter(({ job }) => !maySendAgain(job));
    if (intended.length > 0) this.#write(() => this.#claims.release(intended));
  }

  record(outcome: JobOutcome): void {
    this.#write(() => this.#recorder.record(outcome));
  }

  commit(): void {
    this.#write(() => this.#claims.settle(this.#recorder.commit()));
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
    return guarded(this.path, () => readRunInfo(this.db));
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
      return guarded(this.path, work);
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

function lastCommitted(db: DatabaseSync): Committed | undefined {
  const row = db.prepare("SELECT id, committed FROM seg ORDER BY id DESC LIMIT 1").get();
  return row === undefined ? undefined : { segment: numberOf(row, "id"), length: numberOf(row, "committed") };
}
