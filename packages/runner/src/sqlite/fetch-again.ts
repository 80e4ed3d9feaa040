import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Job } from "../ledger/job.ts";
import type { JobLease } from "../ledger/ledger.ts";
import type { LineResult } from "../ledger/result.ts";
import type { LineFilter } from "../ledger/where.ts";
import { queueRetryable } from "./row-claims.ts";
import { readNumber, type SqlRow } from "./row.ts";
import { transaction } from "./transaction.ts";
import { wakeHostsSql } from "./hosts.ts";

/** The columns of a result that a new one replaces. */
const columns =
  "status, bytes, elapsed, final_url, content_type, segment, record_offset, record_length, etag, last_modified";

/** A failed line that may be fetched again: all but one that cannot be a request. */
function isFailedRequest({ state, reason }: LineResult): boolean {
  return state === "failed" && !reason.startsWith("bad-input");
}

/** Returns the rows that the filter chooses, without the rest of their results: there may be millions. */
function choose(
  results: Iterable<LineResult>,
  filter: LineFilter,
): readonly Pick<LineResult, "id" | "state">[] {
  const chosen: Pick<LineResult, "id" | "state">[] = [];
  for (const line of results) if (filter(line)) chosen.push({ id: line.id, state: line.state });
  return chosen;
}

/** Makes the failed rows among the results retryable, and the deferred ones due immediately. */
export function reopenFailed(db: DatabaseSync, results: Iterable<LineResult>): void {
  const chosen = choose(results, (line) => isFailedRequest(line) || line.state === "deferred");
  const failed = db.prepare("UPDATE outcome SET retryable = 1 WHERE id = ?");
  const unqueue = db.prepare(`
    DELETE FROM queue WHERE (host, due, id) = (SELECT host, until, job.id FROM job
    JOIN deferral ON deferral.id = job.id WHERE job.id = ?)`);
  const deferred = db.prepare("UPDATE deferral SET until = 0, deferrals = 0 WHERE id = ?");
  const enqueue = db.prepare(enqueueSql);
  transaction(db, () => {
    for (const { id, state } of chosen)
      if (state === "failed") failed.run(id);
      else {
        unqueue.run(id);
        deferred.run(id);
        enqueue.run(id);
      }
    db.exec(wakeHostsSql);
  });
  queueRetryable(db);
}

const enqueueSql = "INSERT INTO queue SELECT host, 0, id FROM job WHERE id = ? ON CONFLICT DO NOTHING";

/**
 * Opens rows again that have a result, to be fetched again. The result is kept until a new one replaces it. With `refresh`, the
 * next request has the conditions of the result, and a server that confirms it brings it back. Returns how many rows.
 */
export function openAgain(
  db: DatabaseSync,
  { results, refresh }: { readonly results: Iterable<LineResult>; readonly refresh: boolean },
): number {
  const chosen = choose(
    results,
    (line) => line.state === "done" || (!refresh && (isFailedRequest(line) || line.state === "unknown")),
  );
  const keep = db.prepare(`
    INSERT INTO previous (id, is_condition, attempts, ${columns})
    SELECT id, ?, attempts, ${columns} FROM outcome WHERE id = ?
    ON CONFLICT (id) DO UPDATE SET is_condition = excluded.is_condition, attempts = attempts + excluded.attempts`);
  const remove = db.prepare("DELETE FROM outcome WHERE id = ?");
  const enqueue = db.prepare(enqueueSql);
  transaction(db, () => {
    for (const { id } of chosen) {
      keep.run(refresh ? 1 : 0, id);
      remove.run(id);
      enqueue.run(id);
    }
    db.exec(wakeHostsSql);
  });
  return chosen.length;
}

/** The results that a new one may replace, or confirm. */
export class PreviousResults {
  readonly #select: StatementSync;
  readonly #restore: StatementSync;
  readonly #addAttempts: StatementSync;
  readonly #delete: StatementSync;
  readonly #keepConditions: StatementSync;
  #hasAny: boolean;

  constructor(db: DatabaseSync) {
    this.#select = db.prepare("SELECT etag, last_modified, is_condition FROM previous WHERE id = ?");
    this.#restore = db.prepare(`
      UPDATE outcome SET (${columns}) = (SELECT ${columns} FROM previous WHERE previous.id = outcome.id)
      WHERE id = ?`);
    this.#addAttempts = db.prepare(
      "UPDATE outcome SET attempts = attempts + (SELECT attempts FROM previous WHERE previous.id = outcome.id) WHERE id = ?",
    );
    this.#delete = db.prepare("DELETE FROM previous WHERE id = ?");
    this.#keepConditions = db.prepare("UPDATE previous SET attempts = 0 WHERE id = ?");
    this.#hasAny = db.prepare("SELECT 1 FROM previous LIMIT 1").get() !== undefined;
  }

  /** Must be called when rows were opened again. */
  added(): void {
    this.#hasAny = true;
  }

  /** Returns the lease with the conditions of the row's result, if it has one to be refreshed. */
  withConditions(lease: JobLease): JobLease {
    if (!this.#hasAny) return lease;
    const row = this.#select.get(lease.job.id);
    if (row?.["is_condition"] !== 1) return lease;
    return { ...lease, job: addConditions(lease.job, row) };
  }

  /** Whether a response with this status confirms the result of the row. */
  isConfirmed(id: number, status: number | undefined): boolean {
    return this.#hasAny && status === 304 && this.#select.get(id)?.["is_condition"] === 1;
  }

  /** Finishes a row after its new outcome was written. */
  finish(id: number, { isConfirmed, isRetryable }: { isConfirmed: boolean; isRetryable: boolean }): void {
    if (!this.#hasAny) return;
    if (isConfirmed) this.#restore.run(id);
    if (this.#select.get(id) === undefined) return;
    this.#addAttempts.run(id);
    if (isRetryable) this.#keepConditions.run(id);
    else this.#delete.run(id);
  }
}

function addConditions(job: Job, { etag, last_modified: lastModified }: SqlRow): Job {
  const conditions = {
    ...(typeof etag === "string" && { "if-none-match": etag }),
    ...(typeof lastModified === "string" && { "if-modified-since": lastModified }),
  };
  return { ...job, request: { ...job.request, headers: { ...job.request?.headers, ...conditions } } };
}

/** Returns the requests that were sent for results that are to be replaced. */
export function readPreviousAttempts(db: DatabaseSync): number {
  return readNumber(
    db.prepare("SELECT coalesce(sum(attempts), 0) AS attempts FROM previous").get(),
    "attempts",
  );
}
