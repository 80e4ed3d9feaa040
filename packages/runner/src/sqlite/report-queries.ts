import type { DatabaseSync } from "node:sqlite";
import type { ReasonGroup, RunTotals, SampleLine } from "../ledger/report.ts";
import { readPreviousAttempts } from "./fetch-again.ts";
import { readNumber, readText, type SqlRow } from "./row.ts";
import { snapshot } from "./transaction.ts";

const samplesPerReason = 3;

/** The SQL condition for a row that is in its list. */
function notRemoved(id: string): string {
  return `NOT EXISTS (SELECT 1 FROM removed WHERE removed.id = ${id})`;
}

/** Counts the rows by state. All counts come from one view of the database; a row without an outcome is waiting, so the counts add up. */
export function readTotals(db: DatabaseSync): RunTotals {
  return snapshot(db, () => {
    const lines = readNumber(db.prepare("SELECT count(*) AS lines FROM job").get(), "lines");
    const removed = readNumber(db.prepare("SELECT count(*) AS lines FROM removed").get(), "lines");
    const byState = db
      .prepare(
        "SELECT state, count(*) AS rows, sum(attempts) AS attempts, sum(bytes) AS bytes FROM outcome GROUP BY state",
      )
      .all();
    const removedByState = db
      .prepare(
        "SELECT state, count(*) AS rows FROM removed JOIN outcome ON outcome.id = removed.id GROUP BY state",
      )
      .all();
    const deferred = db.prepare("SELECT coalesce(sum(attempts), 0) AS attempts FROM deferral").get();
    const next = db
      .prepare(
        `SELECT min(at) AS at FROM (
          SELECT min(max(until, coalesce(wake_at, 0))) AS at FROM deferral JOIN job ON job.id = deferral.id
          LEFT JOIN host ON host.id = job.host AND standing = 'parked' WHERE ${notRemoved("deferral.id")}
          UNION ALL SELECT min(wake_at) FROM host WHERE wake_at > 0 AND standing = 'parked')`,
      )
      .get()?.["at"];
    const countState = (rows: readonly SqlRow[], state: string): number =>
      sumColumn(
        rows.filter((row) => row["state"] === state),
        "rows",
      );
    const countRows = (state: string): number =>
      countState(byState, state) - countState(removedByState, state);
    return {
      lines: lines - removed,
      removed,
      done: countRows("done"),
      failed: countRows("failed"),
      skipped: countRows("skipped"),
      unknown: countRows("unknown"),
      waiting: lines - removed - sumColumn(byState, "rows") + sumColumn(removedByState, "rows"),
      attempts: sumColumn(byState, "attempts") + readNumber(deferred, "attempts") + readPreviousAttempts(db),
      bytes: sumColumn(byState, "bytes"),
      ...(typeof next === "number" ? { nextRetryAt: next } : {}),
    };
  });
}

/** Groups the rows that are not done by state and reason, the largest group first. */
export function readReasons(db: DatabaseSync): readonly ReasonGroup[] {
  return snapshot(db, () =>
    [...readOutcomeGroups(db), ...readDeferralGroups(db)].toSorted((a, b) => b.count - a.count),
  );
}

function readOutcomeGroups(db: DatabaseSync): readonly ReasonGroup[] {
  const groups = db.prepare(`
    SELECT state, outcome.reason, retryable, count(*) AS count, coalesce(advice, '') AS advice
    FROM outcome LEFT JOIN advice ON advice.reason = outcome.reason
    WHERE state <> 'done' AND ${notRemoved("outcome.id")} GROUP BY state, outcome.reason, retryable`);
  const samples = db.prepare(`
    SELECT line, url FROM outcome JOIN job ON job.id = outcome.id
    WHERE state <> 'done' AND state = ? AND reason = ? AND retryable = ? AND ${notRemoved("outcome.id")}
    ORDER BY outcome.id LIMIT ${samplesPerReason}`);
  return groups.all().map((row) => {
    const [state, reason] = [readText(row, "state"), readText(row, "reason")];
    return toReasonGroup(row, samples.all(state, reason, readNumber(row, "retryable")));
  });
}

function readDeferralGroups(db: DatabaseSync): readonly ReasonGroup[] {
  const groups = db.prepare(`
    SELECT 'deferred' AS state, deferral.reason, 1 AS retryable, count(*) AS count, coalesce(advice, '') AS advice
    FROM deferral LEFT JOIN advice ON advice.reason = deferral.reason
    WHERE ${notRemoved("deferral.id")} GROUP BY deferral.reason`);
  const samples = db.prepare(`
    SELECT line, url FROM deferral JOIN job ON job.id = deferral.id
    WHERE reason = ? AND ${notRemoved("deferral.id")} ORDER BY deferral.id LIMIT ${samplesPerReason}`);
  return groups.all().map((row) => toReasonGroup(row, samples.all(readText(row, "reason"))));
}

function toReasonGroup(row: SqlRow, samples: readonly SqlRow[]): ReasonGroup {
  return {
    state: toGroupState(readText(row, "state")),
    reason: readText(row, "reason"),
    advice: readText(row, "advice"),
    count: readNumber(row, "count"),
    retryable: row["retryable"] === 1,
    samples: samples.map((sample): SampleLine => ({
      line: readNumber(sample, "line"),
      url: readText(sample, "url"),
    })),
  };
}

function toGroupState(text: string): ReasonGroup["state"] {
  return text === "failed" || text === "skipped" || text === "unknown" ? text : "deferred";
}

function sumColumn(rows: readonly SqlRow[], column: string): number {
  return rows.reduce((total, row) => total + readNumber(row, column), 0);
}
