import type { RawResponse } from "../wire/messages.ts";
import { MalformedResponse } from "./errors.ts";

/** The head of an answer (RFC 9112 §4, §5). */
export interface ParsedHead {
  readonly status: number;
  readonly statusText: string;
  /** The minor version: 0 for HTTP/1.0, which has rules of its own. */
  readonly minor: number;
  /** Names in lower case; a name that comes more than once has a list. */
  readonly fields: RawResponse["headers"];
  /** How many characters it takes, the empty line at its end included. */
  readonly size: number;
}

type HeaderFields = Record<string, string | string[] | undefined>;

const [tab, lineFeed, carriageReturn, space] = [9, 10, 13, 32];

/** What no line may hold: control characters, and a CR that does not end it (RFC 9112 §2.2, RFC 9110 §5.5). */
// oxlint-disable-next-line no-control-regex -- They are what is looked for.
export const forbiddenInLines: RegExp = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)/;

/**
 * Reads a head from text that begins with one; undefined where the text ends before it does. Lines may end in LF alone
 * (RFC 9112 §2.2), and a field that is folded is read as one line (§5.2).
 *
 * @throws MalformedAnswer.
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
 * Reads fields up to the empty line behind them, and gives the place behind that; undefined where the text ends before.
 *
 * @throws MalformedAnswer.
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

/** The place behind a field whose first line ends at `feed`: lines that begin with white space go on with it. */
function findFieldEnd(text: string, feed: number): number | undefined {
  let end = feed;
  while (isBlank(text.charCodeAt(end + 1))) {
    end = text.indexOf("\n", end + 1);
    if (end === -1) return undefined;
  }
  return end + 1;
}

// Hot path: one look at the whole head instead of one at each value.
function rejectControlCharacters(text: string, size: number): number {
  if (forbiddenInLines.test(text.slice(0, size)))
    throw new MalformedResponse("a control character in its head");
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
  // Not an assignment, which means something else for `__proto__`.
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

/** Where a line ends whose LF stands at `feed`. */
function findLineEnd(text: string, feed: number): number {
  return text.charCodeAt(feed - 1) === carriageReturn ? feed - 1 : feed;
}

const tokenPattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

// Servers send the same few names again and again: finding those of a head takes 0.2 µs less than reading them anew.
const knownNames = new Map<string, string>();
const [manyNames, longName] = [1_000, 100];
const notAField = "a line in its head that is no field";

function parseFieldName(written: string): string {
  const known = knownNames.get(written);
  if (known !== undefined) return known;
  if (!tokenPattern.test(written)) throw new MalformedResponse(notAField);
  const name = written.toLowerCase();
  if (knownNames.size < manyNames && name.length < longName) knownNames.set(detachText(written), name);
  return name;
}

type StatusLine = Pick<ParsedHead, "status" | "statusText" | "minor">;

const knownStatusLines = new Map<string, StatusLine>();
const maxKnownStatusLines = 100;

function parseStatusLine(line: string): StatusLine {
  const known = knownStatusLines.get(line);
  if (known !== undefined) return known;
  const [, minor, status, statusText = ""] = /^HTTP\/1\.(\d) ([1-9]\d\d)(?: (.*))?$/.exec(line) ?? [];
  if (status === undefined) throw new MalformedResponse("it does not begin with a status line");
  const read = { status: Number(status), statusText, minor: Number(minor) };
  if (knownStatusLines.size < maxKnownStatusLines && line.length < longName)
    knownStatusLines.set(detachText(line), read);
  return read;
}

/** The same text without the head that it was cut from, which it would keep in memory. */
function detachText(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}
