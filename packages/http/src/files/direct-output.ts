import { closeSync, constants, createWriteStream, fstatSync, openSync, type Stats } from "node:fs";
import { Socket } from "node:net";
import type { Writable } from "node:stream";
import type { Clock } from "@holdfast/policy";
import { FileAccessError } from "../errors/file-errors.ts";
import { hasErrorCode, toFileError } from "./disk.ts";
import { isSameFile } from "./folder.ts";
import type { TypedPath } from "./typed-path.ts";

/** Waits for the reader of a FIFO, as long as the caller allows it. */
export type WaitForReader = <T>(wait: Promise<T>) => Promise<T>;

/** The time between two attempts to open a FIFO that has no reader, in milliseconds. */
const readerPollTime = 50;

/** A FIFO, a character device, or an open file of this process, such as standard output. Its bytes cannot be taken back. */
export class DirectOutput {
  readonly #path: string;
  readonly #stream: Writable;
  readonly #isOwned: boolean;
  readonly #waitForReader: WaitForReader;
  #failure: { readonly error: unknown } | undefined;
  readonly #onError = (error: unknown): void => {
    this.#failure ??= { error: toFileError(this.#path, error) };
  };

  private constructor(path: string, { stream, isOwned }: OpenStream, waitForReader: WaitForReader) {
    this.#path = path;
    this.#stream = stream;
    this.#isOwned = isOwned;
    this.#waitForReader = waitForReader;
    stream.on("error", this.#onError);
  }

  /**
   * Opens the output. Waits until a FIFO has a reader.
   *
   * @throws FileAccessError; the error of `waitForReader`.
   */
  static async open(
    target: TypedPath,
    { clock, waitForReader }: { readonly clock: Clock; readonly waitForReader: WaitForReader },
  ): Promise<DirectOutput> {
    const stream = openProcessFile(target) ?? {
      stream: await openByPath(target, clock, waitForReader),
      isOwned: true,
    };
    return new DirectOutput(target.path, stream, waitForReader);
  }

  /** Writes a piece. Resolves when the piece may be reused. @throws FileAccessError, for instance if the reader has left. */
  async write(piece: Uint8Array | string): Promise<void> {
    const written = new Promise<void>((resolve, reject) => {
      this.#stream.write(piece, (error) => {
        if (error instanceof Error) reject(error);
        else resolve();
      });
    });
    try {
      await this.#waitForReader(written);
    } catch (error) {
      throw toFileError(this.#path, error);
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Closes the output, unless it was open before. */
  async close(): Promise<void> {
    // A stream that failed emits nothing more. One that waits for its reader is ended by force.
    if (!this.#isOwned) this.#stream.off("error", this.#onError);
    else if (this.#stream.writableLength > 0 || this.#stream.destroyed) this.#stream.destroy();
    else await new Promise<void>((resolve) => this.#stream.once("close", resolve).end());
  }
}

interface OpenStream {
  readonly stream: Writable;
  /** Whether `close` closes the stream. */
  readonly isOwned: boolean;
}

/** Returns a stream to an open file of this process. A FIFO or a device of another number is opened again by its path. */
function openProcessFile({ openFile, stats }: TypedPath): OpenStream | undefined {
  if (openFile === undefined) return undefined;
  if (openFile === 1) return { stream: process.stdout, isOwned: false };
  if (openFile === 2) return { stream: process.stderr, isOwned: false };
  if (stats?.isSocket() === true)
    return { stream: new Socket({ fd: openFile, readable: false, writable: true }), isOwned: true };
  // Without a position, the bytes go to where the process that opened the file has left off.
  if (stats?.isFile() === true)
    return { stream: createWriteStream("", { fd: openFile, autoClose: true }), isOwned: true };
  return undefined;
}

async function openByPath(target: TypedPath, clock: Clock, waitForReader: WaitForReader): Promise<Writable> {
  const { path, stats } = target;
  if (stats?.isFIFO() !== true) return toStream(path, openSame(target, constants.O_WRONLY | noTerminal));
  for (;;) {
    const fd = tryFifo(target);
    if (fd !== undefined) return toStream(path, fd);
    await waitForReader(clock.sleep(readerPollTime));
  }
}

const noTerminal = constants.O_NOCTTY ?? 0;

/** Opens a FIFO for writing; undefined while it has no reader. */
function tryFifo(target: TypedPath): number | undefined {
  try {
    return openSame(target, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    // The reader of a process substitution does not come back.
    if (hasErrorCode(error, "ENXIO") && target.openFile === undefined) return undefined;
    throw hasErrorCode(error, "ENXIO")
      ? new FileAccessError(target.path, {
          errno: "EPIPE",
          what: "its reader has closed the pipe",
          cause: error,
        })
      : toFileError(target.path, error);
  }
}

/** Opens the file that was checked, and no other one that has taken its place. */
function openSame({ path, stats, openFile }: TypedPath, flags: number): number {
  const fd = openSync(path, openFile === undefined ? flags | (constants.O_NOFOLLOW ?? 0) : flags);
  const opened: Stats = fstatSync(fd);
  if (isSameFile(opened, stats)) return fd;
  closeSync(fd);
  throw new FileAccessError(path, { errno: "EAGAIN", what: "another process replaced it; try again" });
}

function toStream(path: string, fd: number): Writable {
  return fstatSync(fd).isFIFO()
    ? new Socket({ fd, readable: false, writable: true })
    : createWriteStream(path, { fd });
}
