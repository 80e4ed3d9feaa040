import type { TextDecoder } from "node:util";
import { redact } from "@holdfast/policy";
import { LineTooLongError } from "../errors/transport-errors.ts";
import { textDecoder } from "./headers.ts";

/** The options of `lines()` and `jsonLines()`. */
export interface LineOptions {
  /** Longest line in characters. A longer one throws a LineTooLongError. @default 16,777,216 */
  readonly maxLength?: number;
}

/** Returns the output of a schema for a value, or throws a SchemaError. */
export type Validator = (value: unknown) => Promise<unknown>;

/** A body of lines. */
export interface LinesOf {
  /** For messages. */
  readonly url: string;
  readonly body: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** The Content-Type, for the charset. */
  readonly type: string | null;
}

/** A line, and whether a line break ends it. */
interface Line {
  readonly text: string;
  readonly isEnded: boolean;
}

const defaultMaxLength = 16 * 1024 * 1024;

/** Returns the lines of a body as they arrive, without their line breaks (LF or CRLF). */
export async function* readLines(
  lines: LinesOf,
  options: LineOptions = {},
): AsyncGenerator<string, void, undefined> {
  for await (const { text, isEnded } of splitLines(lines, options))
    yield isEnded && text.endsWith("\r") ? text.slice(0, -1) : text;
}

/** The line breaks of a body: LF and CRLF, or CR as well. */
type LineBreaks = "lf" | "any";

/** Returns the lines of a body as they arrive. A CRLF is one line break, however it is cut. */
export async function* splitLines(
  { body, type }: LinesOf,
  { maxLength = defaultMaxLength, breaks = "lf" }: LineOptions & { readonly breaks?: LineBreaks },
): AsyncGenerator<Line, void, undefined> {
  const splitter = new LineSplitter(breaks, maxLength);
  let decoder: TextDecoder | undefined;
  for await (const chunk of body) {
    decoder ??= textDecoder(chunk, type);
    yield* splitter.split(decoder.decode(chunk, { stream: true }));
  }
  const rest = splitter.end(decoder?.decode() ?? "");
  if (rest !== "") yield { text: rest, isEnded: false };
}

/** Splits text into lines as it arrives. */
class LineSplitter {
  readonly #breaks: LineBreaks;
  readonly #lineBreak: RegExp;
  readonly #line: LineBuffer;
  #endedWithCr = false;

  constructor(breaks: LineBreaks, maxLength: number) {
    this.#breaks = breaks;
    this.#lineBreak = breaks === "lf" ? /\n/g : /\r\n?|\n/g;
    this.#line = new LineBuffer(maxLength);
  }

  *split(text: string): Generator<Line, void, undefined> {
    if (text === "") return;
    let start = this.#endedWithCr && text.startsWith("\n") ? 1 : 0;
    this.#endedWithCr = this.#breaks === "any" && text.endsWith("\r");
    this.#lineBreak.lastIndex = start;
    for (let end = this.#lineBreak.exec(text); end !== null; end = this.#lineBreak.exec(text)) {
      this.#line.add(text.slice(start, end.index));
      start = this.#lineBreak.lastIndex;
      yield { text: this.#line.take(), isEnded: true };
    }
    this.#line.add(text.slice(start));
  }

  /** Returns the last line, which no line break ends. */
  end(text: string): string {
    this.#line.add(text);
    return this.#line.take();
  }
}

const piecesAtOnce = 1_024;

/** A line as it arrives in pieces. Costs time and memory in proportion to its length, however small the pieces are. */
class LineBuffer {
  readonly #maxLength: number;
  #joined: string[] = [];
  #pieces: string[] = [];
  #length = 0;

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** @throws LineTooLongError */
  add(piece: string): void {
    if (piece === "") return;
    this.#length += piece.length;
    if (this.#length > this.#maxLength) throw new LineTooLongError(this.#maxLength);
    this.#pieces.push(piece);
    if (this.#pieces.length < piecesAtOnce) return;
    this.#joined.push(this.#pieces.join(""));
    this.#pieces = [];
  }

  /** Returns the line, and begins the next one. */
  take(): string {
    const line =
      this.#joined.length === 0 ? this.#pieces.join("") : [...this.#joined, ...this.#pieces].join("");
    this.#joined = [];
    this.#pieces = [];
    this.#length = 0;
    return line;
  }
}

/**
 * Returns the values of a body of JSON lines as they arrive. Blank lines are skipped, and so is the record separator of
 * RFC 7464.
 *
 * @throws SyntaxError for a line that is not JSON, which a cut last line is; SchemaError; LineTooLongError.
 */
export async function* readJsonLines(
  { url, body }: LinesOf,
  { validate, ...options }: LineOptions & { readonly validate: Validator | undefined },
): AsyncGenerator<unknown, void, undefined> {
  let number = 0;
  // JSON is UTF-8 (RFC 8259 §8.1).
  for await (const { text, isEnded } of splitLines({ url, body, type: null }, options)) {
    number += 1;
    const json = text.startsWith("\u001e") ? text.slice(1) : text;
    if (json.trim() === "") continue;
    const value = parseLine(
      json,
      `Line ${number} of ${url}${isEnded ? "" : ", which ends without a line break,"}`,
    );
    yield validate === undefined ? value : await validate(value);
  }
}

const shownCharacters = 80;

function parseLine(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not kept as the cause: it quotes from the middle of the line, where `redact` cannot recognise credentials.
    const beginning = text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text;
    throw new SyntaxError(redact(`${name} is not JSON: ${beginning}`));
  }
}
