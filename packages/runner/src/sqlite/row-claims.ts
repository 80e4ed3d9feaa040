import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Job } from "../ledger/job.ts";
import type { JobLease } from "../ledger/ledger.ts";
import { interruptedReason } from "../ledger/state.ts";
import { readJob, readNumber, type SqlRow } from "./row.ts";
import { transaction } from "./transaction.ts";

/** Hands out rows. A row that is handed out is marked in memory only, until its outcome is recorded. */
export class RowClaims {
  readonly #db: DatabaseSync;
  readonly #leased = new Set<number>();
  readonly #selectOpen: StatementSync;
  readonly #selectDue: StatementSync;
  readonly #selectDeferred: StatementSync;
  readonly #insertIntent: StatementSync;
  readonly #deleteIntent: StatementSync;
  #cursor = 0;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#selectOpen = db.prepare(`
      SELECT job.id, line, method, url, request, retryable FROM job LEFT JOIN outcome ON outcome.id = job.id
      WHERE job.id > ? AND (outcome.id IS NULL OR outcome.retryable = 1)
        AND NOT EXISTS (SELECT 1 FROM deferral WHERE deferral.id = job.id)
      ORDER BY job.id LIMIT ?`);
    this.#selectDue = db.prepare(`
      SELECT job.id, line, method, url, request, deferrals FROM deferral JOIN job ON job.id = deferral.id
      WHERE until <= ? ORDER BY until, deferral.id LIMIT ?`);
    this.#selectDeferred = db.prepare("SELECT id, until FROM deferral ORDER BY until, id LIMIT ?");
    this.#insertIntent = db.prepare("INSERT INTO intent (id) VALUES (?) ON CONFLICT DO NOTHING");
    this.#deleteIntent = db.prepare("DELETE FROM intent WHERE id = ?");
  }

  claim(max: number): readonly JobLease[] {
    const leases = this.#selectOpen.all(this.#cursor, max).map(toOpenLease);
    this.#cursor = leases.at(-1)?.job.id ?? this.#cursor;
    return this.#handOut(leases);
  }

  claimDue(now: number, max: number): readonly JobLease[] {
    // A leased row stays in the table until its outcome is recorded, so the query must be able to skip all leased rows.
    const rows = this.#selectDue
      .all(now, max + this.#leased.size)
      .filter((row) => !this.#leased.has(readNumber(row, "id")));
    return this.#handOut(rows.slice(0, max).map(toDueLease));
  }

  nextDueAt(): number | undefined {
    const row = this.#selectDeferred
      .all(this.#leased.size + 1)
      .find((candidate) => !this.#leased.has(readNumber(candidate, "id")));
    return row === undefined ? undefined : readNumber(row, "until");
  }

  recordIntent(jobs: readonly Job[]): void {
    transaction(this.#db, () => {
      for (const job of jobs) this.#insertIntent.run(job.id);
    });
  }

  release(leases: readonly JobLease[]): void {
    transaction(this.#db, () => {
      for (const { job } of leases) this.#deleteIntent.run(job.id);
    });
  }

  /** Removes the marks of rows with a recorded outcome. */
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
  return { job: readJob(row), from: "deferred", deferrals: readNumber(row, "deferrals") };
}

/** Makes every failed row retryable, except invalid lines, and every deferred row due at `now` (epoch ms). */
export function reopenFailedRows(db: DatabaseSync, now: number): void {
  transaction(db, () => {
    db.exec("UPDATE outcome SET retryable = 1 WHERE state = 'failed' AND reason NOT LIKE 'bad-input%'");
    db.prepare("UPDATE deferral SET until = min(until, ?), deferrals = 0").run(now);
  });
}

/** Ends rows with an intent as `unknown`: the process died, and their request may have been executed. `at` is epoch ms. */
export function resolveIntents(db: DatabaseSync, at: number): void {
  if (db.prepare("SELECT 1 FROM intent LIMIT 1").get() === undefined) return;
  const resolve = db.prepare(`
    INSERT INTO outcome (id, state, reason, attempts, recorded_at)
    SELECT id, 'unknown', ?, 1, ? FROM intent WHERE true
    ON CONFLICT DO UPDATE SET state = 'unknown', reason = excluded.reason, retryable = 0,
      attempts = outcome.attempts + 1, recorded_at = excluded.recorded_at
    WHERE outcome.retryable = 1`);
  transaction(db, () => {
    resolve.run(interruptedReason, at);
    db.exec("DELETE FROM deferral WHERE id IN (SELECT id FROM intent); DELETE FROM intent");
  });
}
