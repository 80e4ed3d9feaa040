import { closeSync, constants, fdatasyncSync, ftruncateSync, fstatSync, readSync, writevSync } from "node:fs";
import { join } from "node:path";
import { carefully, createFile, type Folder, openOwnFile } from "@holdfast/http/internal/files";
import { LedgerError } from "../ledger/ledger.ts";
import { type RunModes, runFiles, unusable } from "./run-folder.ts";

/** The place of a record: segment number (1-based), offset and length in bytes. */
export interface RecordLocation {
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
}

/** The last segment and the number of its bytes that are committed. */
export interface CommittedSegment {
  readonly segment: number;
  readonly length: number;
}

const defaultMaxSegmentBytes: number = 256 * 1024 * 1024;

/** Queued bytes that are written before `sync`, so that large records do not wait in memory. */
const maxQueuedBytes: number = 8 * 1024 * 1024;

const segmentName = (segment: number): string => `${String(segment).padStart(6, "0")}.seg`;

/** Returns the path of a segment in `directory`. */
export function segmentPath(directory: string, segment: number): string {
  return join(directory, runFiles.segments, segmentName(segment));
}

/** Where and how segments are written. */
export interface SegmentOptions {
  /** The folder of the run. */
  readonly folder: Folder;
  /** Returns the permissions of new files at this moment. */
  readonly modes: () => RunModes;
  readonly committed: CommittedSegment | undefined;
  /** A segment is closed before the first piece of a record would make it larger, and the next segment begins. @default 256 MiB */
  readonly maxBytes?: number;
}

/**
 * Appends records to numbered files. Records survive a power loss once `sync` has returned.
 * The constructor truncates the files to the committed length: bytes after it are the incomplete tail of a crash.
 */
export class SegmentWriter {
  readonly #folder: Folder;
  readonly #modes: () => RunModes;
  readonly #maxBytes: number;
  #segment: number;
  #fd: number;
  #length: number;
  #queued: Uint8Array[] = [];
  #queuedBytes = 0;
  /** Whether bytes were written that may not be on the disk yet. */
  #isDirty = false;

  constructor({ folder, modes, committed, maxBytes = defaultMaxSegmentBytes }: SegmentOptions) {
    this.#modes = modes;
    this.#maxBytes = maxBytes;
    this.#segment = committed?.segment ?? 1;
    this.#length = committed?.length ?? 0;
    this.#folder = folder.createFolder(runFiles.segments, modes().folder);
    const stats = this.#folder.stat();
    if (!this.#folder.isOwn(stats))
      throw unusable(folder, runFiles.segments, `it belongs to another user (uid ${stats.uid})`);
    this.#removeAfter(this.#segment);
    this.#fd = this.#open();
    this.#truncate();
  }

  /** The segment and length to record as committed once `sync` has returned. */
  get end(): CommittedSegment {
    return { segment: this.#segment, length: this.#length };
  }

  /**
   * Queues the pieces of a record and returns its future place. The bytes are written by `sync`, or when the segment is full,
   * or when 8 MiB are queued.
   */
  append(pieces: Iterable<Uint8Array>): RecordLocation {
    let start: CommittedSegment | undefined;
    for (const piece of pieces) {
      if (start === undefined && this.#length > 0 && this.#length + piece.length > this.#maxBytes)
        this.startNext();
      start ??= this.end;
      this.#queued.push(piece);
      this.#queuedBytes += piece.length;
      this.#length += piece.length;
      if (this.#queuedBytes > maxQueuedBytes) this.#write();
    }
    const { segment, length: offset } = start ?? this.end;
    return { segment, offset, length: this.#length - offset };
  }

  /** Writes the queued records and waits until they are on the disk. */
  sync(): void {
    this.#write();
    if (!this.#isDirty) return;
    fdatasyncSync(this.#fd);
    this.#isDirty = false;
  }

  #write(): void {
    if (this.#queued.length === 0) return;
    this.#isDirty = true;
    writeBuffers(this.#fd, this.#queued);
    this.#queued = [];
    this.#queuedBytes = 0;
  }

  close(): void {
    closeSync(this.#fd);
    this.#folder.close();
  }

  /** Returns the sizes of all segments by their numbers, in bytes. */
  sizes(): ReadonlyMap<number, number> {
    const names = this.#folder.list().filter((name) => /^\d+\.seg$/.test(name));
    return new Map(names.map((name) => [Number.parseInt(name, 10), this.#folder.lstat(name)?.size ?? 0]));
  }

  /** Removes a segment that no row refers to. */
  remove(segment: number): void {
    this.#folder.unlink(segmentName(segment));
  }

  /** Closes the segment and begins the next one. */
  startNext(): void {
    this.sync();
    closeSync(this.#fd);
    this.#segment += 1;
    this.#length = 0;
    this.#fd = this.#open();
  }

  /** Opens the segment, or creates it. A segment of another user, or a link, is not written. */
  #open(): number {
    const name = segmentName(this.#segment);
    const found = openOwnFile(this.#folder, name, constants.O_WRONLY | constants.O_APPEND);
    if (found === "missing") {
      const fd = createFile(this.#folder, name, this.#modes().file);
      this.#folder.sync();
      return fd;
    }
    if ("foreign" in found) throw unusable(this.#folder, name, found.foreign);
    return found.fd;
  }

  #truncate(): void {
    const { size } = fstatSync(this.#fd);
    if (size < this.#length) {
      closeSync(this.#fd);
      const path = join(this.#folder.path, segmentName(this.#segment));
      throw new LedgerError(
        `${path} has ${size} bytes, but ${this.#length} were committed: restore the file, or use a new folder`,
        path,
      );
    }
    if (size > this.#length) ftruncateSync(this.#fd, this.#length);
  }

  #removeAfter(segment: number): void {
    for (const file of this.#folder.list())
      if (file.endsWith(".seg") && file > segmentName(segment)) this.#folder.unlink(file);
  }
}

/** Reads single records. Keeps the last file open, because most reads follow the order of the writes. */
export class SegmentReader {
  readonly #run: Folder;
  #folder: Folder | undefined;
  #isClosed = false;
  #open: { readonly segment: number; readonly fd: number } | undefined;

  /** `folder` is the folder of the run. */
  constructor(folder: Folder) {
    this.#run = folder;
  }

  /** Returns the bytes of a record; fewer when the file ends before. After `close`, it opens the file for this record alone. */
  read(location: RecordLocation): Buffer {
    if (!this.#isClosed) return this.#readOpen(location);
    const run = this.#run.reopen();
    const reader = new SegmentReader(run);
    try {
      return reader.#readOpen(location);
    } finally {
      reader.close();
      run.close();
    }
  }

  #readOpen({ segment, offset, length }: RecordLocation): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    return bytes.subarray(0, readSync(this.#fd(segment), bytes, 0, length, offset));
  }

  close(): void {
    this.#isClosed = true;
    this.#closeSegment();
    this.#folder?.close();
    this.#folder = undefined;
  }

  #closeSegment(): void {
    if (this.#open !== undefined) closeSync(this.#open.fd);
    this.#open = undefined;
  }

  #fd(segment: number): number {
    if (this.#open?.segment === segment) return this.#open.fd;
    this.#closeSegment();
    this.#folder ??= this.#run.openFolder(runFiles.segments);
    const fd = this.#folder.open(segmentName(segment), constants.O_RDONLY | carefully);
    this.#open = { segment, fd };
    return fd;
  }
}

function writeBuffers(fd: number, buffers: readonly Uint8Array[]): void {
  const maxBuffers = 512;
  for (let at = 0; at < buffers.length; at += maxBuffers) {
    let unwritten = buffers.slice(at, at + maxBuffers);
    while (unwritten.length > 0) unwritten = dropBytes(unwritten, writevSync(fd, unwritten));
  }
}

function dropBytes(buffers: readonly Uint8Array[], count: number): Uint8Array[] {
  let remaining = count;
  const kept: Uint8Array[] = [];
  for (const buffer of buffers) {
    const dropped = Math.min(remaining, buffer.length);
    remaining -= dropped;
    if (dropped < buffer.length) kept.push(buffer.subarray(dropped));
  }
  return kept;
}
