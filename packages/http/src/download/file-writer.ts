import { addPiece } from "../support/pieces.ts";
import type { Clock } from "@holdfast/policy";
import { startTimer } from "@holdfast/policy/internal";
import type { RecycledMemory } from "../model/body-memory.ts";

/** The operations of a file handle that a writer needs. */
export interface WritableFile {
  writev(pieces: readonly Uint8Array[], position: number): Promise<{ readonly bytesWritten: number }>;
  datasync(): Promise<void>;
  truncate(length: number): Promise<void>;
}

/** Receives what happens to the bytes of a writer. */
export interface FileWriterEvents {
  /** Called before `bytes` bytes are written at the end. If it rejects, they are not written. */
  prepare(bytes: number): Promise<void>;
  /** Called after each write. If it throws, the writer has failed. */
  written(): void;
  /** Called once, with the first error. */
  failed(error: unknown): void;
}

/** The parts of a writer. */
export interface FileWriterParts {
  readonly file: WritableFile;
  readonly clock: Clock;
  /** Gets the pieces back when they are written. */
  readonly bodyMemory: Pick<RecycledMemory, "release">;
  readonly events: FileWriterEvents;
  /** The most bytes that may be written and not synced, at any moment. */
  readonly maxUnsynced: number;
}

// A write has a fixed cost in the thread pool. Batches of 1 MiB were measured to take 1.4 times the processor time: two of
// them do not fit in the cache of a processor.
const batchBytes = 512 * 1024;

// Bytes of a slow body wait at most this long, in milliseconds, so that a killed process loses little.
const maxQueueTime = 50;

/**
 * Writes pieces to a file in order: a batch is written while the next one is collected, and the batches before it are synced.
 * Two batches are in memory at most, because a third one waits for the write of the first.
 */
export class FileWriter {
  readonly #parts: FileWriterParts;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #position = 0;
  /** The end of the bytes that are certainly on the disk. */
  #synced = 0;
  /** Settles when the latest batch is written. Never rejects. */
  #lastWrite: Promise<void> = Promise.resolve();
  /** The sync under way. Never rejects. */
  #syncing: Promise<void> | undefined;
  #stopTimer: (() => void) | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(parts: FileWriterParts) {
    this.#parts = parts;
  }

  /** Number of bytes in the file. */
  get position(): number {
    return this.#position;
  }

  /**
   * Adds a piece, which must not be modified later. Resolves when the next piece may come.
   *
   * @throws the error of an earlier write or sync.
   */
  async write(piece: Uint8Array): Promise<void> {
    for (let at = 0; at < piece.length; at += batchBytes) {
      this.#throwFailure();
      await this.#add(piece.subarray(at, at + batchBytes));
    }
  }

  /** Resolves when all pieces are in the file. @throws the error of a write or sync. */
  async flush(): Promise<void> {
    await this.settle();
    this.#throwFailure();
  }

  /** Resolves when all pieces are in the file, or the writer has failed, and nothing is under way. */
  async settle(): Promise<void> {
    await this.#writeQueue();
    await this.#syncing;
  }

  /** Drops the pieces that are not written, and continues behind the first `length` bytes of the file. */
  async truncate(length: number): Promise<void> {
    this.#takeQueue();
    await this.settle();
    this.#throwFailure();
    const { file } = this.#parts;
    await file.truncate(length);
    await file.datasync();
    this.#position = length;
    this.#synced = length;
  }

  /** Resolves when the queue is shorter than a batch, or a batch is all that is in memory next to it. */
  #add(piece: Uint8Array): Promise<void> | undefined {
    addPiece(this.#queue, piece);
    this.#queuedBytes += piece.length;
    if (this.#queuedBytes < batchBytes) {
      this.#stopTimer ??= startTimer(this.#parts.clock, maxQueueTime, () => void this.#writeQueue());
      return undefined;
    }
    const previous = this.#lastWrite;
    void this.#writeQueue();
    return previous;
  }

  /** Writes the queue after the batch that is being written. */
  #writeQueue(): Promise<void> {
    return (this.#lastWrite = this.#lastWrite.then(async () => {
      if (this.#failure !== undefined || this.#queuedBytes === 0) return;
      try {
        await this.#writeBatch();
      } catch (error) {
        this.#fail(error);
      }
    }));
  }

  async #writeBatch(): Promise<void> {
    const { events, bodyMemory } = this.#parts;
    const bytes = this.#queuedBytes;
    const batch = this.#takeQueue();
    await this.#limitUnsynced(bytes);
    await events.prepare(bytes);
    await this.#writeAll(batch, bytes);
    for (const piece of batch) bodyMemory.release(piece);
    this.#startSync();
    events.written();
  }

  async #writeAll(batch: readonly Uint8Array[], bytes: number): Promise<void> {
    let rest = batch;
    const end = this.#position + bytes;
    while (this.#position < end) {
      const { bytesWritten } = await this.#parts.file.writev(rest, this.#position);
      this.#position += bytesWritten;
      // A write near the limits of the disk or the process may be partial.
      if (this.#position < end) rest = dropBytes(rest, bytesWritten);
    }
  }

  #takeQueue(): readonly Uint8Array[] {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    const queue = this.#queue;
    this.#queue = [];
    this.#queuedBytes = 0;
    return queue;
  }

  async #limitUnsynced(bytes: number): Promise<void> {
    while (this.#position + bytes - this.#synced > this.#parts.maxUnsynced && this.#failure === undefined) {
      this.#startSync();
      if (this.#syncing === undefined) return;
      await this.#syncing;
    }
    this.#throwFailure();
  }

  /**
   * Syncs the bytes that are in the file, once they are half of those that need not be synced: one half is written while the
   * other is synced.
   */
  #startSync(): void {
    const upTo = this.#position;
    const { file, maxUnsynced } = this.#parts;
    if (this.#syncing !== undefined || upTo - this.#synced < maxUnsynced / 2) return;
    this.#syncing = file.datasync().then(
      () => {
        this.#synced = upTo;
        this.#syncing = undefined;
      },
      (error: unknown) => {
        this.#syncing = undefined;
        this.#fail(error);
      },
    );
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#takeQueue();
    this.#parts.events.failed(error);
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

/** Returns the pieces without their first `count` bytes. */
function dropBytes(pieces: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let left = count;
  return pieces.flatMap((piece) => {
    const dropped = Math.min(left, piece.length);
    left -= dropped;
    return dropped === piece.length ? [] : [piece.subarray(dropped)];
  });
}
