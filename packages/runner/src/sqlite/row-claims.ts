import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Job } from "../ledger/job.ts";
import type { JobLease } from "../ledger/ledger.ts";
import { interruptedReason } from "../ledger/state.ts";
import type { ReachedRows } from "./reached-rows.ts";
import { readJob, readNumber, type SqlRow } from "./row.ts";
import { transaction } from "./transaction.ts";

/** Hands out rows. A row that is handed out is marked in memory only, until its outcome is recorded. */
export class RowClaims {
  readonly #db: DatabaseSync;
  readonly #reached: ReachedRows;
  readonly #leased = new Set<number>();
  readonly #selectOpen: StatementSync;
  readonly #selectLate: StatementSync;
  readonly #selectDue: StatementSync;
  readonly #selectDeferred: StatementSync;
  readonly #insertIntent: StatementSync;
  readonly #deleteIntent: StatementSync;
  #cursor = 0;

  constructor(db: DatabaseSync, reached: ReachedRows) {
    this.#db = db;
    this.#reached = reached;
    const open = `
      SELECT job.id, list, line, method, url, request, retryable FROM job LEFT JOIN outcome ON outcome.id = job.id
      WHERE (outcome.id IS NULL OR outcome.retryable = 1)
        AND NOT EXISTS (SELECT 1 FROM deferral WHERE deferral.id = job.id)
        AND NOT EXISTS (SELECT 1 FROM removed WHERE removed.id = job.id)`;
    this.#selectOpen = db.prepare(`${open} AND job.id > ? AND job.id <= ? ORDER BY job.id LIMIT ?`);
    this.#selectLate = db.prepare(`${open} AND job.id = ?`);
    this.#selectDue = db.prepare(`
      SELECT job.id, list, line, method, url, request, deferrals FROM deferral JOIN job ON job.id = deferral.id
      WHERE until <= ? AND NOT EXISTS (SELECT 1 FROM removed WHERE removed.id = job.id) ORDER BY until, deferral.id`);
    this.#selectDeferred = db.prepare(`
      SELECT deferral.id, list, until FROM deferral JOIN job ON job.id = deferral.id
      WHERE NOT EXISTS (SELECT 1 FROM removed WHERE removed.id = job.id) ORDER BY until, deferral.id`);
    this.#insertIntent = db.prepare("INSERT INTO intent (id) VALUES (?) ON CONFLICT DO NOTHING");
    this.#deleteIntent = db.prepare("DELETE FROM intent WHERE id = ?");
  }

  claim(max: number): readonly JobLease[] {
    const rows = this.#selectLateRows(max);
    while (rows.length < max) {
      const page = this.#selectOpen.all(this.#cursor, this.#reached.last, max - rows.length);
      if (page.length === 0) break;
      this.#cursor = readNumber(page.at(-1), "id");
      for (const row of page)
        if (this.#isHeldBack(row)) this.#reached.pass(readNumber(row, "id"));
        else rows.push(row);
    }
    return this.#handOut(rows.map(toOpenLease));
  }

  claimDue(now: number, max: number): readonly JobLease[] {
    const rows: SqlRow[] = [];
    for (const row of this.#selectDue.iterate(now)) {
      if (rows.length >= max) break;
      if (this.#mayBeHandedOut(row)) rows.push(row);
    }
    return this.#handOut(rows.map(toDueLease));
  }

  nextDueAt(): number | undefined {
    for (const row of this.#selectDeferred.iterate())
      if (this.#mayBeHandedOut(row)) return readNumber(row, "until");
    return undefined;
  }

  #selectLateRows(max: number): SqlRow[] {
    return this.#reached
      .takeLate(max)
      .filter((id) => id <= this.#cursor && !this.#leased.has(id))
      .flatMap((id) => this.#selectLate.all(id));
  }

  // A leased row stays in the table of deferrals until its outcome is recorded.
  #mayBeHandedOut(row: SqlRow): boolean {
    return !this.#leased.has(readNumber(row, "id")) && !this.#isHeldBack(row);
  }

  #isHeldBack(row: SqlRow): boolean {
    return this.#reached.isHeldBack(readNumber(row, "id"), readNumber(row, "list"));
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
