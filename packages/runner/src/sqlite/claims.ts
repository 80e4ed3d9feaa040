import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Job } from "../ledger/job.ts";
import type { JobLease } from "../ledger/ledger.ts";
import { readJob, readNumber, type SqlRow } from "./row.ts";
import { transaction } from "./transaction.ts";

/** Hands out rows without writing: what is handed out is remembered in memory until its outcome is recorded. */
export class RowClaims {
  readonly #db: DatabaseSync;
  readonly #leased = new Set<number>();
  readonly #open: StatementSync;
  readonly #due: StatementSync;
  readonly #deferred: StatementSync;
  readonly #intend: StatementSync;
  readonly #forgetIntent: StatementSync;
  #cursor = 0;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#open = db.prepare(`
      SELECT req.id, line, method, url, request, retryable FROM req LEFT JOIN res ON res.id = req.id
      WHERE req.id > ? AND (res.id IS NULL OR res.retryable = 1) AND NOT EXISTS (SELECT 1 FROM retry WHERE retry.id = req.id)
      ORDER BY req.id LIMIT ?`);
    this.#due = db.prepare(`
      SELECT req.id, line, method, url, request, rounds FROM retry JOIN req ON req.id = retry.id
      WHERE until <= ? ORDER BY until, retry.id LIMIT ?`);
    this.#deferred = db.prepare("SELECT id, until FROM retry ORDER BY until, id LIMIT ?");
    this.#intend = db.prepare("INSERT INTO intent (id) VALUES (?) ON CONFLICT DO NOTHING");
    this.#forgetIntent = db.prepare("DELETE FROM intent WHERE id = ?");
  }

  claim(max: number): readonly JobLease[] {
    const leases = this.#open.all(this.#cursor, max).map(toOpenLease);
    this.#cursor = leases.at(-1)?.job.id ?? this.#cursor;
    return this.#handOut(leases);
  }

  claimDue(now: number, max: number): readonly JobLease[] {
    // A row that is handed out stays in the table until its outcome is recorded, so as many more may have to be passed over.
    const rows = this.#due
      .all(now, max + this.#leased.size)
      .filter((row) => !this.#leased.has(readNumber(row, "id")));
    return this.#handOut(rows.slice(0, max).map(toDueLease));
  }

  nextDueAt(): number | undefined {
    const row = this.#deferred
      .all(this.#leased.size + 1)
      .find((candidate) => !this.#leased.has(readNumber(candidate, "id")));
    return row === undefined ? undefined : readNumber(row, "until");
  }

  recordIntent(jobs: readonly Job[]): void {
    transaction(this.#db, () => {
      for (const job of jobs) this.#intend.run(job.id);
    });
  }

  release(leases: readonly JobLease[]): void {
    transaction(this.#db, () => {
      for (const { job } of leases) this.#forgetIntent.run(job.id);
    });
  }

  /** Forgets that rows are handed out, now that their outcome is recorded. */
  forget(ids: Iterable<number>): void {
    for (const id of ids) this.#leased.delete(id);
  }

  #handOut(leases: readonly JobLease[]): readonly JobLease[] {
    for (const { job } of leases) this.#leased.add(job.id);
    return leases;
  }
}

function toOpenLease(row: SqlRow): JobLease {
  return { job: readJob(row), from: row["retryable"] === 1 ? "failed" : "pending", deferrals: 0 };
}

function toDueLease(row: SqlRow): JobLease {
  return { job: readJob(row), from: "deferred", deferrals: readNumber(row, "rounds") };
}
