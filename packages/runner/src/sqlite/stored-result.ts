import { LedgerError } from "../ledger/ledger.ts";
import type { LineResult } from "../ledger/result.ts";
import { decodeRecord, type StoredRecord } from "./record.ts";
import { readNumber, type SqlRow, readText } from "./row.ts";
import { type RecordLocation, segmentPath, type SegmentReader } from "./segments.ts";
import { wrapErrors } from "./transaction.ts";

/** The columns that `storedResult` reads. */
export const resultColumns = `
  req.id, line, method, url, res.state, coalesce(res.reason, retry.reason) AS reason, retryable, original, status,
  coalesce(res.attempts, retry.attempts, 0) AS attempts, coalesce(bytes, 0) AS bytes, at, final_url, type, seg, off, len, until`;

type ResultFields = Omit<LineResult, "headers" | "body">;

/** Makes a result of a row; its record is read and checked when headers or body are first asked for. */
export function readResult(directory: string, segments: SegmentReader, row: SqlRow): LineResult {
  const facts = readFields(row);
  if (row["seg"] === null) return facts;
  const location = {
    segment: readNumber(row, "seg"),
    offset: readNumber(row, "off"),
    length: readNumber(row, "len"),
  };
  let record: StoredRecord | undefined;
  const read = (): StoredRecord => (record ??= readRecord({ directory, segments, location }));
  return attachRecord(facts, read);
}

function attachRecord(facts: ResultFields, read: () => StoredRecord): LineResult {
  const lazy: PropertyDescriptorMap = {
    headers: { enumerable: true, get: () => read().meta.headers },
    ...(facts.status === undefined ? {} : { body: { enumerable: true, get: () => read().body } }),
  };
  return Object.defineProperties({ ...facts }, lazy);
}

function readRecord(at: {
  readonly directory: string;
  readonly segments: SegmentReader;
  readonly location: RecordLocation;
}): StoredRecord {
  const path = segmentPath(at.directory, at.location.segment);
  const record = wrapErrors(path, () => decodeRecord(at.segments.read(at.location)));
  if (record !== undefined) return record;
  throw new LedgerError(`${path} is damaged at byte ${at.location.offset}`, path);
}

function readFields(row: SqlRow): ResultFields {
  const state = readState(row);
  return {
    id: readNumber(row, "id"),
    line: readNumber(row, "line"),
    method: readText(row, "method"),
    url: readText(row, "url"),
    state,
    reason: readReason(row),
    retryable: row["retryable"] === 1 || state === "deferred",
    attempts: readNumber(row, "attempts"),
    bytes: readNumber(row, "bytes"),
    ...(row["at"] === null ? {} : { fetchedAt: readNumber(row, "at") }),
    ...(row["type"] === null ? {} : { contentType: readText(row, "type") }),
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
  const { reason, original } = row;
  if (typeof reason !== "string") return "";
  return typeof original === "number" ? `${reason}-of-line-${original}` : reason;
}
