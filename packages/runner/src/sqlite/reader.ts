import type { DatabaseSync } from "node:sqlite";
import type { RunInfo } from "../ledger/ledger.ts";
import type { LineResult } from "../ledger/result.ts";
import { isProxyStats, type RunProxyStats } from "../ledger/proxy-stats.ts";
import type { ReasonGroup, RunTotals, SampleLine } from "../ledger/report.ts";
import { readNumber, type SqlRow, readText } from "./row.ts";
import type { SegmentReader } from "./segments.ts";
import { resultColumns, readResult } from "./stored-result.ts";
import { snapshot } from "./transaction.ts";

const rowsPerPage = 200;
const samplesPerReason = 3;

/** Counts every row; all numbers come from one view of the database, and what has no outcome is waiting, so that they add up. */
export function readTotals(db: DatabaseSync): RunTotals {
  return snapshot(db, () => {
    const lines = readNumber(db.prepare("SELECT count(*) AS lines FROM req").get(), "lines");
    const ended = db
      .prepare(
        "SELECT state, count(*) AS rows, sum(attempts) AS attempts, sum(bytes) AS bytes FROM res GROUP BY state",
      )
      .all();
    const retry = db
      .prepare("SELECT coalesce(sum(attempts), 0) AS attempts, min(until) AS until FROM retry")
      .get();
    const rows = (state: string): number =>
      sumColumn(
        ended.filter((row) => row["state"] === state),
        "rows",
      );
    return {
      lines,
      done: rows("done"),
      failed: rows("failed"),
      skipped: rows("skipped"),
      unknown: rows("unknown"),
      waiting: lines - sumColumn(ended, "rows"),
      attempts: sumColumn(ended, "attempts") + readNumber(retry, "attempts"),
      bytes: sumColumn(ended, "bytes"),
      ...(typeof retry?.["until"] === "number" ? { nextRetryAt: retry["until"] } : {}),
    };
  });
}

/** Groups the rows that are not done by state and reason, the largest group first. */
export function readReasons(db: DatabaseSync): readonly ReasonGroup[] {
  return snapshot(db, () => {
    const ended = db.prepare(`
      SELECT state, res.reason, retryable, count(*) AS count, coalesce(advice, '') AS advice
      FROM res LEFT JOIN advice ON advice.reason = res.reason WHERE state <> 'done' GROUP BY state, res.reason, retryable`);
    const endedSamples = db.prepare(`
      SELECT line, url FROM res JOIN req ON req.id = res.id
      WHERE state <> 'done' AND state = ? AND reason = ? AND retryable = ? ORDER BY res.id LIMIT ${samplesPerReason}`);
    const deferred = db.prepare(`
      SELECT 'deferred' AS state, retry.reason, 1 AS retryable, count(*) AS count, coalesce(advice, '') AS advice
      FROM retry LEFT JOIN advice ON advice.reason = retry.reason GROUP BY retry.reason`);
    const deferredSamples = db.prepare(
      `SELECT line, url FROM retry JOIN req ON req.id = retry.id WHERE reason = ? ORDER BY retry.id LIMIT ${samplesPerReason}`,
    );
    const groups = [
      ...ended
        .all()
        .map((row) =>
          toReasonGroup(
            row,
            endedSamples.all(readText(row, "state"), readText(row, "reason"), readNumber(row, "retryable")),
          ),
        ),
      ...deferred.all().map((row) => toReasonGroup(row, deferredSamples.all(readText(row, "reason")))),
    ];
    return groups.toSorted((a, b) => b.count - a.count);
  });
}

/** Gives every row, a page at a time, so that no view of the database is held while the caller works. */
export function* iterateResults(
  db: DatabaseSync,
  directory: string,
  segments: SegmentReader,
): Generator<LineResult, void, undefined> {
  const page = db.prepare(`
    SELECT ${resultColumns} FROM req LEFT JOIN res ON res.id = req.id LEFT JOIN retry ON retry.id = req.id
    WHERE req.id > ? ORDER BY req.id LIMIT ${rowsPerPage}`);
  for (let last = 0, rows = page.all(last); rows.length > 0; rows = page.all(last)) {
    last = readNumber(rows.at(-1), "id");
    for (const row of rows) yield readResult(directory, segments, row);
  }
}

/** Gives what the last run noted of itself; while it has noted no end, it lasted until its latest outcome. */
export function readRunInfo(db: DatabaseSync): RunInfo | undefined {
  const note = readFact(db, "note");
  if (!isRunInfo(note)) return undefined;
  const latest = db.prepare("SELECT max(at) AS at FROM res").get()?.["at"];
  return { elapsed: typeof latest === "number" ? Math.max(0, latest - note.startedAt) : 0, ...note };
}

/** Gives the figures of the proxies as they were last written. */
export function readProxyStats(db: DatabaseSync): readonly RunProxyStats[] | undefined {
  const figures = readFact(db, "proxies");
  return isProxyStats(figures) ? figures : undefined;
}

export function readProxySnapshot(db: DatabaseSync): unknown {
  return readFact(db, "proxy-memory");
}

function readFact(db: DatabaseSync, name: string): unknown {
  const value = db.prepare("SELECT v FROM run WHERE k = ?").get(name)?.["v"];
  return typeof value === "string" ? JSON.parse(value) : undefined;
}

function isRunInfo(value: unknown): value is RunInfo {
  return (
    typeof value === "object" && value !== null && "startedAt" in value && typeof value.startedAt === "number"
  );
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
