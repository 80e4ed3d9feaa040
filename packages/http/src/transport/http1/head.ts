import type { RawResponse } from "../wire/messages.ts";
import { MalformedResponse } from "./errors.ts";

/** The head of a response (RFC 9112 §4, §5). */
export interface ParsedHead {
  readonly status: number;
  readonly statusText: string;
  /** The minor version: 0 for HTTP/1.0, which has rules of its own for framing and persistence. */
  readonly minor: number;
  /** Names in lower case. A repeated name has a list of values. */
  readonly fields: RawResponse["headers"];
  /** Number of characters, including the empty line at the end. */
  readonly size: number;
}

type HeaderFields = Record<string, string | string[] | undefined>;

const [tab, lineFeed, carriageReturn, space] = [9, 10, 13, 32];

/** Matches a control character, or a CR without an LF, which no line may contain (RFC 9112 §2.2, RFC 9110 §5.5). */
// oxlint-disable-next-line no-control-regex -- The pattern looks for control characters.
export const forbiddenInLines: RegExp = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)/;

/**
 * Parses the head at the start of a string. Returns undefined when the text ends before the head does.
 *
 * Lines may end with LF alone (RFC 9112 §2.2). A folded field is read as one line (§5.2).
 *
 * @throws MalformedResponse.
 */
export function parseHead(text: string): ParsedHead | undefined {
  const end = text.indexOf("\n");
  if (end === -1) return undefined;
  const { status, statusText, minor } = parseStatusLine(text.slice(0, findLineEnd(text, end)));
  const fields: HeaderFields = {};
  const size = parseFields(text, end + 1, fields);
  return size === undefined ? undefined : { status, statusText, minor, fields, size };
}

/**
 * Parses fields up to the empty line that ends them. Returns the position after that line, or undefined when the text ends
 * before it.
 *
 * @throws MalformedResponse.
 */
function parseFields(text: string, start: number, fields: HeaderFields): number | undefined {
  for (let at = start; ;) {
    const feed = text.indexOf("\n", at);
    if (feed === -1) return undefined;
    if (findLineEnd(text, feed) <= at) return rejectControlCharacters(text, feed + 1);
    const next = findFieldEnd(text, feed);
    if (next === undefined) return undefined;
    parseField(text.slice(at, next - 1), fields);
    at = next;
  }
}

/** Returns the position after a field whose first line ends at `feed`. Lines that start with white space continue the field. */
function findFieldEnd(text: string, feed: number): number | undefined {
  let end = feed;
  while (isBlank(text.charCodeAt(end + 1))) {
    end = text.indexOf("\n", end + 1);
    if (end === -1) return undefined;
  }
  return end + 1;
}

// Hot path: one search of the whole head instead of one for each value.
function rejectControlCharacters(text: string, size: number): number {
  if (forbiddenInLines.test(text.slice(0, size)))
    throw new MalformedResponse("the head contains a control character");
  return size;
}

function parseField(line: string, fields: HeaderFields): void {
  const colon = line.indexOf(":");
  if (colon === -1) throw new MalformedResponse(notAField);
  const name = parseFieldName(line.slice(0, colon));
  const value = parseFieldValue(line, colon + 1);
  if (fields[name] === undefined) fields[name] = value;
  else appendField(fields, name, value);
}

function appendField(fields: HeaderFields, name: string, value: string): void {
  const before = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (Array.isArray(before)) before.push(value);
  // An assignment to `__proto__` would set the prototype.
  else
    Object.defineProperty(fields, name, {
      value: before === undefined ? value : [before, value],
      enumerable: true,
      configurable: true,
      writable: true,
    });
}

function parseFieldValue(line: string, start: number): string {
  const value = trimWhitespace(line, start);
  return value.includes("\n")
    ? value
        .split("\n")
        .map((part) => trimWhitespace(part, 0))
        .join(" ")
    : value;
}

function trimWhitespace(text: string, start: number): string {
  let [from, to] = [start, text.length];
  while (isSpace(text.charCodeAt(from))) from += 1;
  while (to > from && isSpace(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === space || code === tab;
}

function isSpace(code: number): boolean {
  return isBlank(code) || code === carriageReturn || code === lineFeed;
}

/** Returns the end of a line with its LF at `feed`. */
function findLineEnd(text: string, feed: number): number {
  return text.charCodeAt(feed - 1) === carriageReturn ? feed - 1 : feed;
}

const tokenPattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

// Servers send the same few names again and again: looking up the names of a head takes 0.2 µs less than parsing them.
const knownNames = new Map<string, string>();
const maxKnownNames = 1_000;
const maxKnownLength = 100;
const notAField = "a line of the head is not a header field";

function parseFieldName(written: string): string {
  const known = knownNames.get(written);
  if (known !== undefined) return known;
  if (!tokenPattern.test(written)) throw new MalformedResponse(notAField);
  const name = written.toLowerCase();
  if (knownNames.size < maxKnownNames && name.length < maxKnownLength)
    knownNames.set(detachText(written), name);
  return name;
}

type StatusLine = Pick<ParsedHead, "status" | "statusText" | "minor">;

const knownStatusLines = new Map<string, StatusLine>();
const maxKnownStatusLines = 100;

function parseStatusLine(line: string): StatusLine {
  const known = knownStatusLines.get(line);
  if (known !== undefined) return known;
  const [, minor, status, statusText = ""] = /^HTTP\/1\.(\d) ([1-9]\d\d)(?: (.*))?$/.exec(line) ?? [];
  if (status === undefined) throw new MalformedResponse("it does not start with a status line");
  const read = { status: Number(status), statusText, minor: Number(minor) };
  if (knownStatusLines.size < maxKnownStatusLines && line.length < maxKnownLength)
    knownStatusLines.set(detachText(line), read);
  return read;
}

/** Copies a string. A slice would keep the whole head in memory. */
function detachText(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}

const statusLineStart = "HTTP/1.";

// Node's limit of 16 KiB is less than some sites send in cookies and policies. Browsers stop at 256 KiB.
const maxResponseHeadBytes = 256 * 1024;

/** Collects a head that arrives in several pieces. Each byte is examined once, however small the pieces are. */
export class PartialHead {
  #text = "";
  /** Bytes of the current line, without its CR. */
  #lineBytes = 0;

  /**
   * Reads bytes from `start` to `stop`. Returns the position after the empty line that ends the head, or undefined while the
   * head is incomplete.
   *
   * @throws MalformedResponse when the head is too long, or does not start with a status line.
   */
  read(bytes: Buffer, start: number, stop: number): number | undefined {
    const from = this.#text === "" ? skipEmptyLines(bytes, start, stop) : start;
    const end = this.#find(bytes, from, stop);
    const before = this.#text.length;
    this.#text += bytes.toString("latin1", from, end ?? stop);
    if (this.#text.length > maxResponseHeadBytes)
      throw new MalformedResponse("the head is larger than 256 KiB");
    // Checked only while the text is short, because slicing a concatenated string copies all of it.
    if (
      before < statusLineStart.length &&
      !statusLineStart.startsWith(this.#text.slice(0, statusLineStart.length))
    )
      throw new MalformedResponse("it does not start with a status line");
    return end;
  }

  /** Returns the head after `read` has found its end. */
  head(): ParsedHead {
    const head = parseHead(this.#text);
    if (head?.size !== this.#text.length)
      throw new MalformedResponse("the head contains a control character");
    return head;
  }

  #find(bytes: Buffer, start: number, stop: number): number | undefined {
    for (let at = start; at < stop; at += 1) {
      const byte = bytes[at];
      if (byte === lineFeed) {
        if (this.#lineBytes === 0) return at + 1;
        this.#lineBytes = 0;
      } else if (byte !== carriageReturn) this.#lineBytes += 1;
    }
    return undefined;
  }
}

/** Skips the empty lines that some servers send after the body of the previous response. */
function skipEmptyLines(bytes: Buffer, start: number, stop: number): number {
  let at = start;
  while (at < stop && (bytes[at] === carriageReturn || bytes[at] === lineFeed)) at += 1;
  return at;
}
