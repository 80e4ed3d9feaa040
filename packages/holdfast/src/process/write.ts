import { createWriteStream, existsSync, statSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Output } from "./io.ts";
import { UsageError } from "./usage-error.ts";

/** Tells whether a write failed because the reader at the other end of the pipe has gone, as `head` does. */
export function isClosedPipe(error: unknown): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    (error.code === "EPIPE" || error.code === "ERR_STREAM_DESTROYED")
  );
}

/**
 * Writes every chunk at the reader's pace and leaves the stream open.
 * Ends early, without an error, when the reader has gone: it has had enough.
 */
export async function writeAll(
  output: Output,
  chunks: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
): Promise<void> {
  try {
    await pipeline(Readable.from(chunks, { objectMode: true, highWaterMark: 1 }), output, { end: false });
  } catch (error) {
    if (!isClosedPipe(error)) throw error;
  }
}

/**
 * Checks that there is a folder for a file to be written, so that a misspelt name ends before anything is done.
 *
 * @throws UsageError that says what is wrong with the path.
 */
export function checkWritable(path: string): void {
  const folder = dirname(path);
  if (!existsSync(folder))
    throw new UsageError(`${basename(path)} cannot be saved in ${folder}: there is no such folder`);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
    throw new UsageError(`cannot write ${path}: it is a directory`);
}

/** Writes a file beside its name and renames it when it is complete, so that half a file is never taken for a whole one. */
export async function writeFileAtomically(
  path: string,
  chunks: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
): Promise<void> {
  const partial = `${path}.${process.pid}.part`;
  try {
    await pipeline(Readable.from(chunks, { objectMode: true, highWaterMark: 1 }), createWriteStream(partial));
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
