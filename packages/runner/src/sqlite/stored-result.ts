import { LedgerError } from "../ledger/ledger.ts";
import type { LineResult } from "../ledger/result.ts";
import { decodeRecord, type StoredRecord } from "./record.ts";
import { numberOf, type Row, textOf } from "./row.ts";
import { type Location, segmentPath, type SegmentReader } from "./segments.ts";
import { guarded } from "./transaction.ts";

/** The columns that `storedResult` reads. */
export const resultColumns = `
  req.id, line, method, url, res.state, coalesce(res.reason, retry.reason) AS reason, retryable, original, status,
  coalesce(res.attempts, retry.attempts, 0) AS attempts, coalesce(bytes, 0) AS bytes, at, final_url, type, seg, off, len, until`;

type Facts = Omit<LineResult, "headers" | "body">;

/** Makes a result of a row; its record is read and checked when headers or body are first asked for. */
export function storedResult(directory: string, segments: SegmentReader, row: Row): LineResult {
  const facts = factsOf(row);
  if (row["seg"] === null) return facts;
  const location = {
    segment: numberOf(row, "seg"),
    offset: numberOf(row, "off"),
    length: numberOf(row, "len"),
  };
  let record: StoredRecord | undefined;
  const read = (): StoredRecord => (record ??= readRecord({ directory, segments, location }));
  return withRecord(facts, read);
}

function withRecord(facts: Facts, read: () => StoredRecord): LineResult {
  const lazy: PropertyDescriptorMap = {
    headers: { enumerable: true, get: () => read().meta.headers },
    ...(facts.status === undefined ? {} : { body: { enumerable: true, get: () => read().body } }),
  };
  return Object.defineProperties({ ...facts }, lazy);
}

function readRecord(at: {
  readonly directory: string;
  readonly segments: SegmentReader;
  readonly location: Location;
}): StoredRecord {
  const path = segmentPath(at.directory, at.location.segment);
  const record = guarded(path, () => decodeRecord(at.segments.read(at.location)));
  if (record !== undefined) return record;
  throw new LedgerError(`${path} is damaged at byte ${at.location.offset}`, path);
}

function factsOf(row: Row): Facts {
  const state = stateOf(row);
  return {
    id: numberOf(row, "id"),
    line: numberOf(row, "line"),
    method: textOf(row, "method"),
    url: textOf(row, "url"),
    state,
    reason: reasonOf(row),
    retryable: row["retryable"] === 1 || state === "deferred",
    attempts: numberOf(row, "attempts"),
    bytes: numberOf(row, "bytes"),
    ...(row["at"] === null ? {} : { fetchedAt: numberOf(row, "at") }),
    ...(row["type"] === null ? {} : { contentType: textOf(row, "type") }),
    ...(row["status"] === null
      ? {}
      : {
          status: numberOf(row, "status"),
          finalUrl: textOf(row, row["final_url"] === null ? "url" : "final_url"),
        }),
  };
}

function stateOf(row: Row): LineResult["state"] {
  const state = row["state"];
  if (state === "done" || state === "failed" || state === "skipped" || state === "unknown") return state;
  return row["until"] === null ? "pending" : "deferred";
}

function reasonOf(row: Row): string {
  const { reason, original } = row;
  if (typeof reason !== "string") return "";
  return typeof original === "number" ? `${reason}-of-line-${original}` : reason;
}
