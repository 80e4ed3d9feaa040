import { existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Clock } from "@holdfast/policy";
import type { Output } from "./io.ts";
import { escapeForTerminal } from "./printable.ts";
import { UsageError } from "./usage-error.ts";

/** Returns whether a write failed because the program that reads the pipe has ended, as `head` does. */
export function isClosedPipe(error: unknown): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    (error.code === "EPIPE" || error.code === "ERR_STREAM_DESTROYED")
  );
}

/** Writes every chunk as fast as the reader accepts it, and leaves the stream open. A closed pipe is not an error. */
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

/** Writes text of a peer: to a terminal with its control characters escaped, and unchanged to a file or a pipe. */
export function writeText(output: Output, chunks: Iterable<string>): Promise<void> {
  return writeAll(output, output.isTTY === true ? escapeChunks(chunks) : chunks);
}

function* escapeChunks(chunks: Iterable<string>): Generator<string, void, undefined> {
  for (const chunk of chunks) yield escapeForTerminal(chunk);
}

/**
 * Checks before any work that a file can be written at `path`.
 *
 * @throws UsageError when its folder does not exist, or the path is a directory.
 */
export function checkWritable(path: string): void {
  const folder = dirname(path);
  if (!existsSync(folder)) throw new UsageError(`cannot write ${path}: the folder ${folder} does not exist`);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
    throw new UsageError(`cannot write ${path}: it is a directory`);
}

/** @throws UsageError when there is something at the path, and it is not a folder. */
export function checkFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === false)
    throw new UsageError(`cannot write files to ${path}: it is not a folder`);
}

/**
 * Writes a file that gets its name when it is complete. A FIFO, a device or `/dev/stdout` receives the chunks as they come.
 *
 * @throws FileAccessError or DiskFullError.
 */
export async function writeFile(
  path: string,
  chunks: Iterable<string | Uint8Array>,
  clock: Clock,
): Promise<void> {
  const { writeOutput } = await import("@holdfast/http/internal/files");
  try {
    await writeOutput(path, chunks, clock);
  } catch (error) {
    // TypeErrors of Node have a code.
    if (error instanceof TypeError && !("code" in error))
      throw new UsageError(`cannot write ${error.message}`);
    throw error;
  }
}
