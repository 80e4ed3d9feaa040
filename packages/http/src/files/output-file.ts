import { closeSync, constants, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Clock } from "@holdfast/policy";
import { toFileError, withFileErrors } from "./disk.ts";
import { DirectOutput, type WaitForReader } from "./direct-output.ts";
import { carefully, Folder, randomName } from "./folder.ts";
import { checkDirect, isDirect, resolveTypedPath } from "./typed-path.ts";

/**
 * A file that gets its name when it is complete. Until then its bytes are in a new file with a random name, so that no link
 * of another user is followed. Its permissions follow the umask.
 */
class OutputFile {
  readonly #folder: Folder;
  readonly #name: string;
  readonly #draft = randomName();
  #fd: number | undefined;

  constructor(folder: Folder, name: string) {
    this.#folder = folder;
    this.#name = name;
    const { O_CREAT, O_EXCL, O_WRONLY } = constants;
    this.#fd = folder.open(this.#draft, O_WRONLY | O_CREAT | O_EXCL | carefully, 0o666);
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && this.#fd !== undefined;) at += writeSync(this.#fd, bytes, at);
  }

  /** Gives the file its name. It replaces a file or a link of that name. */
  finish(): void {
    this.#close();
    this.#folder.rename(this.#draft, this.#name);
  }

  /** Removes the file. */
  discard(): void {
    this.#close();
    this.#folder.unlink(this.#draft);
  }

  #close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** Writes a file that gets its name when it is complete. */
export function writeOutputFile(folder: Folder, name: string, bytes: Uint8Array): void {
  let file: OutputFile | undefined;
  try {
    file = new OutputFile(folder, name);
    file.write(bytes);
    file.finish();
  } catch (error) {
    file?.discard();
    throw toFileError(join(folder.path, name), error);
  }
}

type Chunks = Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;

/**
 * Writes chunks to a path that the user named. A file gets its name when it is complete. A FIFO, a character device or an
 * open file of this process, such as `/dev/stdout`, receives the chunks as they come.
 *
 * @throws FileAccessError or DiskFullError.
 */
export async function writeOutput(path: string, chunks: Chunks, clock: Clock): Promise<void> {
  const target = resolveTypedPath(path);
  checkDirect(target);
  if (isDirect(target))
    return writeDirectly(await DirectOutput.open(target, { clock, waitForReader }), chunks);
  const folder = Folder.open(dirname(target.path));
  try {
    await withFileErrors(target.path, () => writeToFile(folder, basename(target.path), chunks));
  } finally {
    folder.close();
  }
}

// The program waits for its reader, as every program that writes to a FIFO.
const waitForReader: WaitForReader = (wait) => wait;

async function writeDirectly(output: DirectOutput, chunks: Chunks): Promise<void> {
  try {
    for await (const chunk of chunks) await output.write(chunk);
  } finally {
    await output.close();
  }
}

async function writeToFile(folder: Folder, name: string, chunks: Chunks): Promise<void> {
  const file = new OutputFile(folder, name);
  try {
    for await (const chunk of chunks) file.write(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
    file.finish();
  } catch (error) {
    file.discard();
    throw error;
  }
}
