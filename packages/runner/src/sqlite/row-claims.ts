import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Job } from "../ledger/job.ts";
import type { ClaimOptions, JobLease } from "../ledger/ledger.ts";
import { interruptedReason } from "../ledger/state.ts";
import type { ReachedRows } from "./reached-rows.ts";
import { readContinuation, readJob, readNumber, type SqlRow } from "./row.ts";
import { transaction } from "./transaction.ts";
import { wakeHostsSql } from "./hosts.ts";

/** Hands out rows of one host at a time. A row that is handed out is marked in memory only, until its outcome is recorded. */
export class RowClaims {
  readonly #db: DatabaseSync;
  readonly #reached: ReachedRows;
  /** The leased rows of each host. */
  readonly #leased = new Map<number, Set<number>>();
  readonly #selectDue: StatementSync;
  readonly #selectFrom: StatementSync;
  readonly #selectRange: StatementSync;
  readonly #selectDeferred: StatementSync;
  readonly #selectJob: StatementSync;
  readonly #insertIntent: StatementSync;
  readonly #deleteIntent: StatementSync;

  constructor(db: DatabaseSync, reached: ReachedRows) {
    this.#db = db;
    this.#reached = reached;
    this.#selectDue = db.prepare(
      "SELECT id FROM queue WHERE host = ? AND due > 0 AND due <= ? ORDER BY due, id",
    );
    this.#selectRange = db.prepare(
      "SELECT min(id) AS first, max(id) AS last FROM queue WHERE host = ? AND due = 0",
    );
    this.#selectFrom = db.prepare(`
      SELECT queue.id, due, list FROM queue JOIN job ON job.id = queue.id
      WHERE queue.host = ? AND due = 0 AND queue.id >= ? AND queue.id <= ? ORDER BY queue.id`);
    this.#selectDeferred = db.prepare(`
      SELECT queue.id, due, list FROM queue JOIN job ON job.id = queue.id
      WHERE queue.host = ? AND due > 0 ORDER BY due, queue.id`);
    this.#selectJob = db.prepare(`
      SELECT job.id, list, line, method, url, request, host, retryable, deferrals, continuation FROM job
      LEFT JOIN outcome ON outcome.id = job.id LEFT JOIN deferral ON deferral.id = job.id WHERE job.id = ?`);
    this.#insertIntent = db.prepare("INSERT INTO intent (id) VALUES (?) ON CONFLICT DO NOTHING");
    this.#deleteIntent = db.prepare("DELETE FROM intent WHERE id = ?");
  }

  claim(host: number, { now, max, from }: ClaimOptions): readonly JobLease[] {
    const leases = new Map<number, JobLease>();
    if (from !== undefined) this.#takeFrom(this.#iterateElsewhere(host, from), leases, { host, max });
    this.#takeFrom(this.#selectDue.iterate(host, now), leases, { host, max });
    this.#takeFrom(this.#selectFrom.iterate(host, 0, this.#reached.last), leases, { host, max });
    if (leases.size > 0) this.#leased.set(host, new Set([...this.leasedOf(host), ...leases.keys()]));
    return [...leases.values()];
  }

  /** Adds the rows that may be handed out. A leased row stays in the queue until its outcome is recorded. */
  #takeFrom(
    rows: Iterable<SqlRow>,
    leases: Map<number, JobLease>,
    { host, max }: { readonly host: number; readonly max: number },
  ): void {
    const leased = this.leasedOf(host);
    if (leases.size >= max) return;
    for (const queued of rows) {
      const id = readNumber(queued, "id");
      if (leased.has(id) || leases.has(id)) continue;
      const row = this.#selectJob.get(id);
      if (row === undefined || this.#isHeldBack(row)) continue;
      leases.set(id, toLease(row));
      if (leases.size >= max) return;
    }
  }

  #isHeldBack(row: SqlRow): boolean {
    return this.#reached.isHeldBack(readNumber(row, "id"), readNumber(row, "list"));
  }

  /** Iterates over the rows of a host that were never deferred, from a place (0 to 1) in the list. */
  #iterateElsewhere(host: number, from: number): Iterable<SqlRow> {
    const range = this.#selectRange.get(host);
    if (typeof range?.["first"] !== "number") return [];
    const [first, last] = [readNumber(range, "first"), readNumber(range, "last")];
    return this.#selectFrom.iterate(host, first + Math.floor(from * (last - first + 1)), this.#reached.last);
  }

  /** Returns the rows of a host that are handed out. */
  leasedOf(host: number): ReadonlySet<number> {
    return this.#leased.get(host) ?? new Set();
  }

  nextDueAt(host: number): number | undefined {
    const leased = this.leasedOf(host);
    const isFree = (row: SqlRow): boolean => !leased.has(readNumber(row, "id")) && !this.#isHeldBack(row);
    for (const row of this.#selectFrom.iterate(host, 0, this.#reached.last)) if (isFree(row)) return 0;
    for (const row of this.#selectDeferred.iterate(host)) if (isFree(row)) return readNumber(row, "due");
    return undefined;
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
  forget(leases: Iterable<JobLease>): void {
    for (const { host, job } of leases) {
      const leased = this.#leased.get(host);
      if (leased?.delete(job.id) === true && leased.size === 0) this.#leased.delete(host);
    }
  }
}

function toLease(row: SqlRow): JobLease {
  const job = readJob(row);
  const host = readNumber(row, "host");
  if (row["deferrals"] !== null) {
    const deferred = { job, host, from: "deferred", deferrals: readNumber(row, "deferrals") } as const;
    const continuation = readContinuation(row);
    return continuation === undefined ? deferred : { ...deferred, continuation };
  }
  return { job, host, from: row["retryable"] === 1 ? "failed" : "pending", deferrals: 0 };
}

/** Queues the rows with a retryable failure. */
export function queueRetryable(db: DatabaseSync): void {
  transaction(db, () => {
    db.exec(`
      INSERT INTO queue SELECT host, 0, job.id FROM outcome JOIN job ON job.id = outcome.id
      WHERE state = 'failed' AND retryable = 1 AND host IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM removed WHERE removed.id = job.id) ON CONFLICT DO NOTHING;
      ${wakeHostsSql}`);
  });
}

/** Makes every failed row retryable, except invalid lines, and every deferred row due immediately. */
export function reopenFailedRows(db: DatabaseSync): void {
  transaction(db, () => {
    db.exec(`
      UPDATE outcome SET retryable = 1 WHERE state = 'failed' AND reason NOT LIKE 'bad-input%';
      UPDATE deferral SET until = 0, deferrals = 0, continuation = NULL;
      DELETE FROM queue WHERE due > 0;
      INSERT INTO queue SELECT host, 0, job.id FROM deferral JOIN job ON job.id = deferral.id
      WHERE NOT EXISTS (SELECT 1 FROM removed WHERE removed.id = job.id) ON CONFLICT DO NOTHING`);
  });
  queueRetryable(db);
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
    db.exec(`
      DELETE FROM queue WHERE (host, due, id) IN (
        SELECT host, coalesce(until, 0), job.id FROM intent JOIN job ON job.id = intent.id
        LEFT JOIN deferral ON deferral.id = job.id)`);
    resolve.run(interruptedReason, at);
    db.exec("DELETE FROM deferral WHERE id IN (SELECT id FROM intent); DELETE FROM intent");
  });
}
