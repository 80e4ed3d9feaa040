import type { DatabaseSync } from "node:sqlite";
import { LedgerError } from "../ledger/ledger.ts";
import type { LineResult } from "../ledger/result.ts";
import { decodeRecord, type StoredRecord } from "./record.ts";
import { readNumber, readText, type SqlRow } from "./row.ts";
import { type RecordLocation, segmentPath, type SegmentReader } from "./segments.ts";
import { wrapErrors } from "./transaction.ts";

const rowsPerPage = 200;

const resultColumns = `
  job.id, line, path, method, url, outcome.state, coalesce(outcome.reason, deferral.reason) AS reason, retryable,
  CASE WHEN outcome.reason = 'duplicate'
    THEN (SELECT first.line FROM job AS first WHERE first.key = job.key AND first.occurrence = 1) END AS duplicate_of,
  status, coalesce(outcome.attempts, deferral.attempts, 0) AS attempts, coalesce(bytes, 0) AS bytes, recorded_at,
  final_url, content_type, segment, record_offset, record_length, until`;

/** Yields the result of every row. Reads a page of rows at a time, so that no view of the database stays open while the caller works. */
export function* iterateResults(
  db: DatabaseSync,
  directory: string,
  segments: SegmentReader,
): Generator<LineResult, void, undefined> {
  const page = db.prepare(`
    SELECT ${resultColumns} FROM job
    JOIN list ON list.id = job.list
    LEFT JOIN outcome ON outcome.id = job.id LEFT JOIN deferral ON deferral.id = job.id
    WHERE NOT EXISTS (SELECT 1 FROM removed WHERE removed.id = job.id) AND job.id > ? ORDER BY job.id LIMIT ${rowsPerPage}`);
  for (let last = 0, rows = page.all(last); rows.length > 0; rows = page.all(last)) {
    last = readNumber(rows.at(-1), "id");
    for (const row of rows) yield readResult(directory, segments, row);
  }
}

type ResultFields = Omit<LineResult, "headers" | "body">;

/** Converts a row to a result. Its record is read and verified at the first access to `headers` or `body`. */
function readResult(directory: string, segments: SegmentReader, row: SqlRow): LineResult {
  const fields = readFields(row);
  if (row["segment"] === null) return fields;
  const location = {
    segment: readNumber(row, "segment"),
    offset: readNumber(row, "record_offset"),
    length: readNumber(row, "record_length"),
  };
  let record: StoredRecord | undefined;
  const read = (): StoredRecord => (record ??= readRecord({ directory, segments, location }));
  return attachRecord(fields, read);
}

function attachRecord(fields: ResultFields, read: () => StoredRecord): LineResult {
  const lazy: PropertyDescriptorMap = {
    headers: { enumerable: true, get: () => read().meta.headers },
    ...(fields.status === undefined ? {} : { body: { enumerable: true, get: () => read().body } }),
  };
  return Object.defineProperties({ ...fields }, lazy);
}

function readRecord(source: {
  readonly directory: string;
  readonly segments: SegmentReader;
  readonly location: RecordLocation;
}): StoredRecord {
  const { directory, segments, location } = source;
  const path = segmentPath(directory, location.segment);
  const record = wrapErrors(path, () => decodeRecord(segments.read(location)));
  if (record !== undefined) return record;
  throw new LedgerError(
    `${path} is damaged at byte ${location.offset}: restore it, or fetch again in a new folder`,
    path,
  );
}

function readFields(row: SqlRow): ResultFields {
  const state = readState(row);
  return {
    id: readNumber(row, "id"),
    line: readNumber(row, "line"),
    ...(row["path"] === null ? {} : { list: readText(row, "path") }),
    method: readText(row, "method"),
    url: readText(row, "url"),
    state,
    reason: readReason(row),
    retryable: row["retryable"] === 1 || state === "deferred",
    attempts: readNumber(row, "attempts"),
    bytes: readNumber(row, "bytes"),
    ...(row["recorded_at"] === null ? {} : { fetchedAt: readNumber(row, "recorded_at") }),
    ...(row["content_type"] === null ? {} : { contentType: readText(row, "content_type") }),
    ...(row["status"] === null
      ? {}
      : {
          status: readNumber(row, "status"),
          finalUrl: readText(row, row["final_url"] === null ? "url" : "final_url"),
        }),
  };
}

function readState(row: SqlRow): LineResult["state"] {
  const state = row["state"];
  if (state === "done" || state === "failed" || state === "skipped" || state === "unknown") return state;
  return row["until"] === null ? "pending" : "deferred";
}

function readReason(row: SqlRow): string {
  const { reason, duplicate_of: firstLine } = row;
  if (typeof reason !== "string") return "";
  return typeof firstLine === "number" ? `${reason}-of-line-${firstLine}` : reason;
}
