import type { RawAnswer } from "../wire/messages.ts";
import { MalformedAnswer } from "./errors.ts";

/** The head of an answer (RFC 9112 §4, §5). */
export interface Head {
  readonly status: number;
  readonly statusText: string;
  /** The minor version: 0 for HTTP/1.0, which has rules of its own. */
  readonly minor: number;
  /** Names in lower case; a name that comes more than once has a list. */
  readonly fields: RawAnswer["headers"];
  /** How many characters it takes, the empty line at its end included. */
  readonly size: number;
}

type Fields = Record<string, string | string[] | undefined>;

const [tab, lineFeed, carriageReturn, space] = [9, 10, 13, 32];

/** What no line may hold: control characters, and a CR that does not end it (RFC 9112 §2.2, RFC 9110 §5.5). */
// oxlint-disable-next-line no-control-regex -- They are what is looked for.
export const forbidden: RegExp = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)/;

/**
 * Reads a head from text that begins with one; undefined where the text ends before it does. Lines may end in LF alone
 * (RFC 9112 §2.2), and a field that is folded is read as one line (§5.2).
 *
 * @throws MalformedAnswer.
 */
export function readHead(text: string): Head | undefined {
  const end = text.indexOf("\n");
  if (end === -1) return undefined;
  const { status, statusText, minor } = statusLine(text.slice(0, lineEnd(text, end)));
  const fields: Fields = {};
  const size = readFields(text, end + 1, fields);
  return size === undefined ? undefined : { status, statusText, minor, fields, size };
}

/**
 * Reads fields up to the empty line behind them, and gives the place behind that; undefined where the text ends before.
 *
 * @throws MalformedAnswer.
 */
function readFields(text: string, start: number, fields: Fields): number | undefined {
  for (let at = start; ;) {
    const feed = text.indexOf("\n", at);
    if (feed === -1) return undefined;
    if (lineEnd(text, feed) <= at) return checked(text, feed + 1);
    const next = fieldEnd(text, feed);
    if (next === undefined) return undefined;
    readField(text.slice(at, next - 1), fields);
    at = next;
  }
}

/** The place behind a field whose first line ends at `feed`: lines that begin with white space go on with it. */
function fieldEnd(text: string, feed: number): number | undefined {
  let end = feed;
  while (isBlank(text.charCodeAt(end + 1))) {
    end = text.indexOf("\n", end + 1);
    if (end === -1) return undefined;
  }
  return end + 1;
}

// Hot path: one look at the whole head instead of one at each value.
function checked(text: string, size: number): number {
  if (forbidden.test(text.slice(0, size))) throw new MalformedAnswer("a control character in its head");
  return size;
}

function readField(line: string, fields: Fields): void {
  const colon = line.indexOf(":");
  if (colon === -1) throw new MalformedAnswer(noField);
  const name = nameOf(line.slice(0, colon));
  const value = valueOf(line, colon + 1);
  if (fields[name] === undefined) fields[name] = value;
  else add(fields, name, value);
}

function add(fields: Fields, name: string, value: string): void {
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

function valueOf(line: string, start: number): string {
  const value = trimmed(line, start);
  return value.includes("\n")
    ? value
        .split("\n")
        .map((part) => trimmed(part, 0))
        .join(" ")
    : value;
}

function trimmed(text: string, start: number): string {
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
function lineEnd(text: string, feed: number): number {
  return text.charCodeAt(feed - 1) === carriageReturn ? feed - 1 : feed;
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

// Servers send the same few names again and again: finding those of a head takes 0.2 µs less than reading them anew.
const names = new Map<string, string>();
const [manyNames, longName] = [1_000, 100];
const noField = "a line in its head that is no field";

function nameOf(written: string): string {
  const known = names.get(written);
  if (known !== undefined) return known;
  if (!token.test(written)) throw new MalformedAnswer(noField);
  const name = written.toLowerCase();
  if (names.size < manyNames && name.length < longName) names.set(copyOf(written), name);
  return name;
}

type StatusLine = Pick<Head, "status" | "statusText" | "minor">;

const statusLines = new Map<string, StatusLine>();
const manyStatusLines = 100;

function statusLine(line: string): StatusLine {
  const known = statusLines.get(line);
  if (known !== undefined) return known;
  const [, minor, status, statusText = ""] = /^HTTP\/1\.(\d) ([1-9]\d\d)(?: (.*))?$/.exec(line) ?? [];
  if (status === undefined) throw new MalformedAnswer("it does not begin with a status line");
  const read = { status: Number(status), statusText, minor: Number(minor) };
  if (statusLines.size < manyStatusLines && line.length < longName) statusLines.set(copyOf(line), read);
  return read;
}

/** The same text without the head that it was cut from, which it would keep in memory. */
function copyOf(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}
