import { createReadStream } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import type { InputLine } from "../ledger/job.ts";

/** Where lines come from: a file's path, or chunks of text or UTF-8 bytes, such as a stream. */
export type LineSource = string | AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;

/** A line that is longer is cut off there: no memory is spent on the rest of it. */
export const maxLineLength: number = 1 << 20;

/** Gives the lines of a source, numbered from 1, wherever its chunks break: LF or CRLF, a byte order mark dropped, the last line with or without its end. */
export async function* readLines(source: LineSource): AsyncGenerator<InputLine, void, undefined> {
  const splitter = new LineSplitter();
  const chunks: Exclude<LineSource, string> = typeof source === "string" ? createReadStream(source) : source;
  for await (const chunk of chunks) yield* splitter.push(chunk);
  yield* splitter.end();
}

/** Cuts text at line ends and carries the unfinished line from chunk to chunk. */
class LineSplitter {
  readonly #decoder = new StringDecoder("utf8");
  #line = 0;
  #parts: string[] = [];
  #kept = 0;
  #started = false;

  *push(chunk: string | Uint8Array): Generator<InputLine, void, undefined> {
    yield* this.#split(typeof chunk === "string" ? chunk : this.#decoder.write(chunk));
  }

  *end(): Generator<InputLine, void, undefined> {
    yield* this.#split(this.#decoder.end());
    if (this.#parts.length > 0) yield this.#finish("");
  }

  *#split(chunk: string): Generator<InputLine, void, undefined> {
    const text = this.#withoutMark(chunk);
    let from = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
      yield this.#finish(text.slice(from, end));
      from = end + 1;
    }
    if (from < text.length) this.#keep(text.slice(from));
  }

  #withoutMark(text: string): string {
    if (this.#started || text === "") return text;
    this.#started = true;
    return text.startsWith("\u{FEFF}") ? text.slice(1) : text;
  }

  #keep(part: string): void {
    // A marker of one character past the limit is kept, so that a cut line is seen to be too long.
    const room = maxLineLength + 1 - this.#kept;
    if (room > 0) this.#parts.push(part.slice(0, room));
    this.#kept += Math.min(part.length, Math.max(room, 0));
  }

  #finish(last: string): InputLine {
    this.#keep(last);
    const whole = this.#parts.join("");
    this.#parts = [];
    this.#kept = 0;
    this.#line += 1;
    return { line: this.#line, text: whole.endsWith("\r") ? whole.slice(0, -1) : whole };
  }
}
