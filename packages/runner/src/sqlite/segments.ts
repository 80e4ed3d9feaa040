import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  unlinkSync,
  writevSync,
} from "node:fs";
import { join } from "node:path";
import { LedgerError } from "../ledger/ledger.ts";

/** Where a record lies: segment number (1-based), offset and length in bytes. */
export interface RecordLocation {
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
}

/** How much of a segment has been committed. */
export interface CommittedSegment {
  readonly segment: number;
  readonly length: number;
}

/** A segment that has reached this size is closed and the next one begun. */
const defaultMaxSegmentBytes: number = 256 * 1024 * 1024;

const segmentName = (segment: number): string => `${String(segment).padStart(6, "0")}.seg`;

/** The file of a segment inside `directory`. */
export function segmentPath(directory: string, segment: number): string {
  return join(directory, "segments", segmentName(segment));
}

/**
 * Appends records to numbered files; what `sync` returned for survives a power loss.
 * Opening cuts the files back to what was committed: a record without a row is a torn tail.
 */
export class SegmentWriter {
  readonly #directory: string;
  readonly #rollBytes: number;
  #segment: number;
  #fd: number;
  #length: number;
  #unwritten: Uint8Array[] = [];

  constructor(
    directory: string,
    committed: CommittedSegment | undefined,
    limit: number = defaultMaxSegmentBytes,
  ) {
    this.#directory = directory;
    this.#rollBytes = limit;
    this.#segment = committed?.segment ?? 1;
    this.#length = committed?.length ?? 0;
    mkdirSync(join(directory, "segments"), { recursive: true });
    this.#removeAfter(this.#segment);
    this.#fd = this.#open();
    this.#cutBack();
  }

  /** What is to be recorded as committed once `sync` has returned. */
  get end(): CommittedSegment {
    return { segment: this.#segment, length: this.#length };
  }

  /** Takes a record and says where it will lie; the bytes are written by `sync`, or when the segment is full. */
  append(record: Uint8Array): RecordLocation {
    if (this.#length > 0 && this.#length + record.length > this.#rollBytes) this.#roll();
    const offset = this.#length;
    this.#unwritten.push(record);
    this.#length += record.length;
    return { segment: this.#segment, offset, length: record.length };
  }

  /** Writes what was appended and waits until the disk has it. */
  sync(): void {
    if (this.#unwritten.length === 0) return;
    writeBuffers(this.#fd, this.#unwritten);
    this.#unwritten = [];
    fdatasyncSync(this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #roll(): void {
    this.sync();
    closeSync(this.#fd);
    this.#segment += 1;
    this.#length = 0;
    this.#fd = this.#open();
  }

  #open(): number {
    const fd = openSync(segmentPath(this.#directory, this.#segment), "a");
    syncDirectory(join(this.#directory, "segments"));
    return fd;
  }

  #cutBack(): void {
    const { size } = fstatSync(this.#fd);
    if (size < this.#length) {
      closeSync(this.#fd);
      const path = segmentPath(this.#directory, this.#segment);
      throw new LedgerError(`${path} has ${size} bytes, but ${this.#length} were committed`, path);
    }
    if (size > this.#length) ftruncateSync(this.#fd, this.#length);
  }

  #removeAfter(segment: number): void {
    const folder = join(this.#directory, "segments");
    for (const file of readdirSync(folder))
      if (file.endsWith(".seg") && file > segmentName(segment)) unlinkSync(join(folder, file));
  }
}

/** Reads single records; keeps the last file open, as records are mostly read in the order in which they were written. */
export class SegmentReader {
  readonly #directory: string;
  #open: { readonly segment: number; readonly fd: number } | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Gives the bytes at a location; fewer when the file ends before. */
  read({ segment, offset, length }: RecordLocation): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    return bytes.subarray(0, readSync(this.#fd(segment), bytes, 0, length, offset));
  }

  close(): void {
    if (this.#open !== undefined) closeSync(this.#open.fd);
    this.#open = undefined;
  }

  #fd(segment: number): number {
    if (this.#open?.segment === segment) return this.#open.fd;
    this.close();
    this.#open = { segment, fd: openSync(segmentPath(this.#directory, segment), "r") };
    return this.#open.fd;
  }
}

function writeBuffers(fd: number, buffers: readonly Uint8Array[]): void {
  const maxBuffers = 512;
  for (let at = 0; at < buffers.length; at += maxBuffers) {
    let rest = buffers.slice(at, at + maxBuffers);
    while (rest.length > 0) rest = dropBytes(rest, writevSync(fd, rest));
  }
}

function dropBytes(buffers: readonly Uint8Array[], count: number): Uint8Array[] {
  let left = count;
  const rest: Uint8Array[] = [];
  for (const buffer of buffers) {
    const taken = Math.min(left, buffer.length);
    left -= taken;
    if (taken < buffer.length) rest.push(buffer.subarray(taken));
  }
  return rest;
}

function syncDirectory(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } catch (error) {
    // Windows refuses to flush a directory; its file system journals the entry by itself.
    if (process.platform !== "win32") throw error;
  } finally {
    closeSync(fd);
  }
}
