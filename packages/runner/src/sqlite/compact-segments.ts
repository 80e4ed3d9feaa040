import type { DatabaseSync } from "node:sqlite";
import type { Folder } from "@holdfast/http/internal/files";
import { readNumber, readText, type SqlRow } from "./row.ts";
import { type RecordLocation, SegmentReader, type SegmentWriter } from "./segments.ts";
import { transaction } from "./transaction.ts";

export interface CompactOptions {
  readonly db: DatabaseSync;
  /** The folder of the run. */
  readonly folder: Folder;
  readonly segments: SegmentWriter;
}

/** Copied records are committed in groups of this size. */
const maxGroupBytes = 16 * 2 ** 20;

/** A record that a row refers to. */
interface LiveRecord extends RecordLocation {
  readonly table: "outcome" | "previous";
  readonly id: number;
}

/**
 * Frees the bytes of records that no row refers to: of bodies that were replaced, and of failed calls before the last. Copies the
 * other records of their segments to a new one, and removes the segments. A crash at any moment loses nothing. Returns how many
 * bytes were freed.
 */
export function compactSegments({ db, folder, segments }: CompactOptions): number {
  const sizes = segments.sizes();
  const wasted = [...sizes].filter(([segment, size]) => size > countLiveBytes(db, segment));
  if (wasted.length === 0) return 0;
  const before = sum(sizes.values());
  segments.startNext();
  for (const [segment] of wasted) {
    const reader = new SegmentReader(folder);
    try {
      moveRecords({ db, segments, reader, segment });
    } finally {
      reader.close();
    }
    segments.remove(segment);
  }
  return before - sum(segments.sizes().values());
}

function sum(numbers: Iterable<number>): number {
  return [...numbers].reduce((total, each) => total + each, 0);
}

const liveRecords = `
  SELECT 'outcome' AS owner, id, record_offset, record_length FROM outcome WHERE segment = ?1
  UNION ALL SELECT 'previous', id, record_offset, record_length FROM previous WHERE segment = ?1`;

function countLiveBytes(db: DatabaseSync, segment: number): number {
  return readNumber(
    db.prepare(`SELECT coalesce(sum(record_length), 0) AS bytes FROM (${liveRecords})`).get(segment),
    "bytes",
  );
}

interface MoveOptions {
  readonly db: DatabaseSync;
  readonly segments: SegmentWriter;
  readonly reader: SegmentReader;
  readonly segment: number;
}

function moveRecords({ db, segments, reader, segment }: MoveOptions): void {
  const records = db
    .prepare(`${liveRecords} ORDER BY record_offset`)
    .all(segment)
    .map((row) => toLiveRecord(row, segment));
  let group: { readonly from: LiveRecord; readonly to: RecordLocation }[] = [];
  let bytes = 0;
  const commit = (): void => {
    segments.sync();
    transaction(db, () => {
      for (const { from, to } of group)
        db.prepare(
          `UPDATE ${from.table} SET segment = ?, record_offset = ?, record_length = ? WHERE id = ?`,
        ).run(to.segment, to.offset, to.length, from.id);
      const { end } = segments;
      db.prepare(
        "INSERT INTO segment VALUES (?, ?) ON CONFLICT DO UPDATE SET committed_bytes = excluded.committed_bytes",
      ).run(end.segment, end.length);
    });
    group = [];
    bytes = 0;
  };
  for (const from of records) {
    group.push({ from, to: segments.append([reader.read(from)]) });
    bytes += from.length;
    if (bytes >= maxGroupBytes) commit();
  }
  commit();
  db.prepare("DELETE FROM segment WHERE id = ?").run(segment);
}

function toLiveRecord(row: SqlRow, segment: number): LiveRecord {
  return {
    table: readText(row, "owner") === "outcome" ? "outcome" : "previous",
    id: readNumber(row, "id"),
    segment,
    offset: readNumber(row, "record_offset"),
    length: readNumber(row, "record_length"),
  };
}
