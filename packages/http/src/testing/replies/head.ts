import { STATUS_CODES } from "node:http";

/** One header line: a name with its value, or a raw line (without CRLF) that is sent unchanged, even if malformed. */
export type HeaderLine = readonly [name: string, value: string] | string;

/** Header fields: a record (a list becomes one line per element), or lines in order. */
export type HeaderInput =
  | Readonly<Record<string, string | number | readonly string[]>>
  | readonly HeaderLine[];

/** A status line and header lines. `version` is the HTTP/1 version on the status line. */
export interface Head {
  readonly status: number;
  readonly reason: string;
  readonly version: "1.0" | "1.1";
  readonly lines: readonly HeaderLine[];
}

function isLines(input: HeaderInput): input is readonly HeaderLine[] {
  return Array.isArray(input);
}

/** Returns the header lines in the given order. */
export function headerLines(input: HeaderInput): readonly HeaderLine[] {
  if (isLines(input)) return input;
  return Object.entries(input).flatMap(([name, value]) =>
    typeof value === "object"
      ? value.map((each): HeaderLine => [name, each])
      : [[name, String(value)] as const],
  );
}

/** Creates a head. Defaults are the registered reason phrase and HTTP/1.1. */
export function head(
  status: number,
  headers: HeaderInput = {},
  rest: Partial<Pick<Head, "reason" | "version">> = {},
): Head {
  return { status, reason: STATUS_CODES[status] ?? "", version: "1.1", lines: headerLines(headers), ...rest };
}

/** Returns the lower-case name of a header line, or "" for a raw line without a colon. */
export function lineName(line: HeaderLine): string {
  const name = typeof line === "string" ? line.slice(0, Math.max(0, line.indexOf(":"))) : line[0];
  return name.trim().toLowerCase();
}

/** Returns whether one of the lines has this lower-case name. */
export function hasHeader(lines: readonly HeaderLine[], name: string): boolean {
  return lines.some((line) => lineName(line) === name);
}

/** Returns a header line as sent, including CRLF. */
export function lineBytes(line: HeaderLine): string {
  return typeof line === "string" ? `${line}\r\n` : `${line[0]}: ${line[1]}\r\n`;
}

const serialized = new WeakMap<Head, Buffer>();

/** Returns the head as HTTP/1 bytes, including the empty line (RFC 9112 §4, §5). */
export function headBytes(head: Head): Buffer {
  const known = serialized.get(head);
  if (known) return known;
  const status = `HTTP/${head.version} ${head.status} ${head.reason}\r\n`;
  const bytes = Buffer.from(`${status}${head.lines.map(lineBytes).join("")}\r\n`);
  serialized.set(head, bytes);
  return bytes;
}

/** Returns whether this head announces that the server closes the connection after its reply. */
export function announcesClose(head: Head): boolean {
  return head.lines.some(
    (line) => lineName(line) === "connection" && /\bclose\b/i.test(typeof line === "string" ? line : line[1]),
  );
}
