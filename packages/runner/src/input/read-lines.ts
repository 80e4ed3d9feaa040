import { type FileHandle, open } from "node:fs/promises";
import { resolve } from "node:path";
import type { InputLine } from "../ledger/job.ts";
import { decodeList, detectEncoding, signatureBytes } from "./decode-list.ts";
import { ListError } from "./list-error.ts";

/** The source of lines: the path of a file, or chunks of text or bytes, such as a stream. */
export type LineSource = string | AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;

/** The longest line in characters. A longer line is cut, so that it takes no more memory. */
export const maxLineLength: number = 1 << 20;

/**
 * Returns the lines of a source, numbered from 1. Lines end in LF or CRLF; the last line may lack its end. Chunks may break
 * anywhere. The text is UTF-8 or UTF-16, with or without a byte order mark, and may be compressed by gzip. A byte that is not
 * UTF-8 is percent-encoded.
 */
export function readLines(source: LineSource): Lines {
  return new Lines(source);
}

/** The lines of a list. */
export class Lines implements AsyncIterable<InputLine> {
  readonly #source: LineSource;
  #file: FileHandle | undefined;
  #path: string | undefined;
  #isWhole = false;

  constructor(source: LineSource) {
    this.#source = source;
    if (typeof source === "string") this.#path = resolve(source);
  }

  /** The absolute path of the file, which identifies the list. Undefined for another source, and for a pipe or a device. */
  get path(): string | undefined {
    return this.#path;
  }

  /** Whether the file was read from its beginning to its end, and did not change meanwhile. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /**
   * Opens the file and checks that it is a list. Does nothing for another source.
   *
   * @throws ListError if the file cannot be read.
   */
  async open(): Promise<void> {
    if (typeof this.#source !== "string" || this.#file !== undefined) return;
    const source = this.#source;
    const file = await withListErrors(source, () => openFile(source));
    this.#file = file;
    if (!(await file.stat()).isFile()) {
      this.#path = undefined;
      return;
    }
    try {
      const start = Buffer.alloc(signatureBytes);
      const { bytesRead } = await withListErrors(source, () => file.read(start, 0, start.length, 0));
      detectEncoding(start.subarray(0, bytesRead), source);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Closes a file that was opened and not read. */
  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<InputLine, void, undefined> {
    const splitter = new LineSplitter();
    const [chunks, name] =
      typeof this.#source === "string"
        ? [this.#readFile(this.#source), this.#source]
        : [this.#source, "the list"];
    for await (const text of decodeList(chunks, name)) yield* splitter.push(text);
    yield* splitter.end();
  }

  async *#readFile(source: string): AsyncGenerator<Uint8Array, void, undefined> {
    this.#isWhole = false;
    await this.open();
    const file = this.#file;
    if (file === undefined) return;
    try {
      const before = await file.stat();
      const isRegular = before.isFile();
      let bytes = 0;
      const stream = file.createReadStream({ autoClose: false, ...(isRegular && { start: 0 }) });
      for await (const chunk of readChunks(source, stream)) {
        bytes += chunk.length;
        yield chunk;
      }
      const after = await file.stat();
      this.#isWhole = isRegular && bytes === after.size && before.mtimeMs === after.mtimeMs;
    } finally {
      await this.close();
    }
  }
}

async function* readChunks(
  source: string,
  stream: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* stream;
  } catch (error) {
    throw toListError(source, error);
  }
}

async function openFile(path: string): Promise<FileHandle> {
  const file = await open(path, "r");
  if (!(await file.stat()).isDirectory()) return file;
  await file.close();
  throw new ListError(`cannot read ${path}: it is a directory`, path);
}

async function withListErrors<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw toListError(path, error);
  }
}

const reasons: Readonly<Record<string, string>> = { ENOENT: "no such file", EACCES: "permission denied" };

function toListError(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error) || error instanceof ListError) return error;
  const reason = reasons[String(error.code)] ?? error.message;
  return new ListError(`cannot read ${path}: ${reason}`, path, { cause: error });
}

/** Splits text at line ends, and carries an incomplete line from chunk to chunk. */
class LineSplitter {
  #line = 0;
  #parts: string[] = [];
  #keptLength = 0;

  *push(text: string): Generator<InputLine, void, undefined> {
    let from = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
      yield this.#finish(text.slice(from, end));
      from = end + 1;
    }
    if (from < text.length) this.#keep(text.slice(from));
  }

  *end(): Generator<InputLine, void, undefined> {
    if (this.#parts.length > 0) yield this.#finish("");
  }

  #keep(part: string): void {
    // One character past the limit is kept, so that a line that was cut is still too long for parseLine.
    const room = maxLineLength + 1 - this.#keptLength;
    if (room > 0) this.#parts.push(part.slice(0, room));
    this.#keptLength += Math.min(part.length, Math.max(room, 0));
  }

  #finish(last: string): InputLine {
    this.#keep(last);
    const text = this.#parts.join("");
    this.#parts = [];
    this.#keptLength = 0;
    this.#line += 1;
    return { line: this.#line, text: text.endsWith("\r") ? text.slice(0, -1) : text };
  }
}
