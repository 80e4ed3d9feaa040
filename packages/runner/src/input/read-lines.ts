import { createReadStream } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import type { InputLine } from "../ledger/job.ts";

/** The source of lines: the path of a file, or chunks of text or UTF-8 bytes, such as a stream. */
export type LineSource = string | AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;

/** The longest line in characters. A longer line is cut, so that it takes no more memory. */
export const maxLineLength: number = 1 << 20;

/**
 * Yields the lines of a source, numbered from 1. Lines end in LF or CRLF; the last line may lack its end. Chunks may break
 * anywhere. A byte order mark is removed.
 */
export async function* readLines(source: LineSource): AsyncGenerator<InputLine, void, undefined> {
  const splitter = new LineSplitter();
  const chunks: Exclude<LineSource, string> = typeof source === "string" ? createReadStream(source) : source;
  for await (const chunk of chunks) yield* splitter.push(chunk);
  yield* splitter.end();
}

/** Splits text at line ends, and carries an incomplete line from chunk to chunk. */
class LineSplitter {
  readonly #decoder = new StringDecoder("utf8");
  #line = 0;
  #parts: string[] = [];
  #keptLength = 0;
  #hasStarted = false;

  *push(chunk: string | Uint8Array): Generator<InputLine, void, undefined> {
    yield* this.#split(typeof chunk === "string" ? chunk : this.#decoder.write(chunk));
  }

  *end(): Generator<InputLine, void, undefined> {
    yield* this.#split(this.#decoder.end());
    if (this.#parts.length > 0) yield this.#finish("");
  }

  *#split(chunk: string): Generator<InputLine, void, undefined> {
    const text = this.#removeByteOrderMark(chunk);
    let from = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
      yield this.#finish(text.slice(from, end));
      from = end + 1;
    }
    if (from < text.length) this.#keep(text.slice(from));
  }

  #removeByteOrderMark(text: string): string {
    if (this.#hasStarted || text === "") return text;
    this.#hasStarted = true;
    return text.startsWith("\u{FEFF}") ? text.slice(1) : text;
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
