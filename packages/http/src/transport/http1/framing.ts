import { MalformedResponse } from "../errors/malformed-response.ts";
import { trimBlanks, type ParsedHead } from "../wire/head.ts";

/** Body length that stands for a chunked body (RFC 9112 §7.1). */
export const chunkedLength = -1;
/** Body length that stands for a body that ends with the connection (RFC 9112 §6.3). */
export const untilClose = -2;

/**
 * Returns the length of a response's body: a number of bytes, `chunkedLength` or `untilClose` (RFC 9112 §6.3).
 * Transfer-Encoding overrides Content-Length, which must be a number all the same. A slip that leaves no doubt about the length only marks the head as not clean;
 * with `strict`, an empty element in a list of lengths is an error, as for browsers.
 *
 * @throws MalformedResponse when Content-Length is not a single number, or the transfer coding is not chunked.
 */
export function bodyLength(head: ParsedHead, method: string, strict = false): number {
  const { "transfer-encoding": transfer, "content-length": length } = head.fields;
  if (hasNoBody(head, method)) return 0;
  const bytes = length === undefined ? untilClose : readContentLength(head, length, strict);
  return transfer !== undefined && isChunked(head, String(transfer)) ? chunkedLength : bytes;
}

/**
 * Checks the fields of an incomplete head that frame the body, so that a malformed one is an error before the head is
 * complete. An empty field may be part of a list that is not complete.
 *
 * @throws MalformedResponse as `bodyLength` does for the complete head.
 */
export function checkFraming(head: Pick<ParsedHead, "status" | "fields">, method: string): void {
  const { "transfer-encoding": transfer = "", "content-length": length = "" } = head.fields;
  if (head.status < 200 || hasNoBody(head, method)) return;
  const [codings, lengths] = [splitList(String(transfer).toLowerCase()), splitList(String(length))];
  if (codings.length > 0) checkCodings(codings);
  if (lengths.length > 0) checkLengths(lengths);
}

function hasNoBody({ status }: Pick<ParsedHead, "status">, method: string): boolean {
  return method === "HEAD" || status === 204 || status === 304;
}

const oneNumber = /^\d{1,15}$/;

/** A Content-Length that repeats the same number counts as one, and replaces the list (RFC 9110 §8.6). */
function readContentLength(head: ParsedHead, written: string | string[], strict: boolean): number {
  // Hot path: the form that most servers send.
  if (typeof written === "string" && oneNumber.test(written)) return Number(written);
  if (strict && /(?:^|,)[ \t]*(?:,|$)/.test(String(written)))
    throw new MalformedResponse("Content-Length is a list with an empty element");
  const length = checkLengths(splitList(String(written)));
  head.isClean = false;
  head.fields["content-length"] = length;
  return Number(length);
}

function checkLengths([length = "", ...others]: readonly string[]): string {
  if (!oneNumber.test(length) || others.some((other) => other !== length))
    throw new MalformedResponse("Content-Length is not a single number");
  return length;
}

/**
 * Returns whether the body is chunked. Some servers state the coding twice and chunk once, or state `identity`, which changes
 * nothing (RFC 2616 §3.6).
 */
function isChunked(head: ParsedHead, said: string): boolean {
  // Hot path: the value that most servers send.
  if (said === "chunked") return true;
  const codings = splitList(said.toLowerCase());
  checkCodings(codings);
  if (said.toLowerCase() !== "chunked") head.isClean = false;
  return codings.includes("chunked");
}

function checkCodings(codings: readonly string[]): void {
  if (codings.length === 0 || !codings.every((coding) => coding === "chunked" || coding === "identity"))
    throw new MalformedResponse("the Transfer-Encoding is not chunked");
  // After `chunked`, another coding would apply to the chunks themselves.
  if (codings.lastIndexOf("identity") > codings.indexOf("chunked") && codings.includes("chunked"))
    throw new MalformedResponse("the last Transfer-Encoding is not chunked");
}

/** Splits a list into its elements. Empty elements do not count (RFC 9110 §5.6.1.2). */
function splitList(list: string): readonly string[] {
  return list
    .split(",")
    .map((each) => trimBlanks(each))
    .filter((each) => each !== "");
}

/**
 * Returns whether another request may use the connection (RFC 9112 §9.3).
 *
 * It may not when the response has a slip or two kinds of framing, ends with the connection, or has a body that it must not
 * have: the bytes that follow could be read as the next response.
 */
export function isPersistent(head: ParsedHead, method: string): boolean {
  return head.isClean && isKeptAlive(head) && isFramed(head, method);
}

/** Returns whether an interim response leaves the connection to further requests, as far as it says. HTTP/1.0 has none. */
export function allowsReuse({ minor, isClean, fields: { connection } }: ParsedHead): boolean {
  if (!isClean || minor === 0) return false;
  return connection === undefined || !splitList(String(connection).toLowerCase()).includes("close");
}

function isKeptAlive({ minor, fields: { connection } }: ParsedHead): boolean {
  // Hot path: the value that most servers send.
  if (connection === undefined || (connection === "keep-alive" && minor > 0)) return minor > 0;
  const options = splitList(String(connection).toLowerCase());
  return !options.includes("close") && (minor > 0 || options.includes("keep-alive"));
}

function isFramed(head: ParsedHead, method: string): boolean {
  const { "transfer-encoding": transfer, "content-length": length } = head.fields;
  // HTTP/1.0 has no chunked coding: such a response cannot be trusted (RFC 9112 §6.1).
  if (transfer !== undefined && (length !== undefined || head.minor === 0)) return false;
  if (hasNoBody(head, method)) return isEmptyAsFramed(head, method);
  return transfer !== undefined || length !== undefined;
}

/** Returns whether the fields of a response without a body promise none, or only describe that of another response. */
function isEmptyAsFramed(head: ParsedHead, method: string): boolean {
  const { minor, status, fields } = head;
  const { "transfer-encoding": transfer, "content-length": length = "0" } = fields;
  // Servers of HTTP/1.0 may send the described body after all.
  if (method === "HEAD") return minor > 0 && isPlainFraming(head);
  // A 304 may state the length that a 200 would have (RFC 9110 §8.6).
  const mayStateLength = status === 304 && minor > 0 && isPlainFraming(head);
  return transfer === undefined && (length === "0" || mayStateLength);
}

/** Returns whether the fields that would frame a body have one plain value each. They are not parsed when there is no body. */
function isPlainFraming({ fields }: ParsedHead): boolean {
  const { "transfer-encoding": transfer = "chunked", "content-length": length = "0" } = fields;
  return String(transfer).toLowerCase() === "chunked" && oneNumber.test(String(length));
}

// The server closes the connection when its own limit passes. A request that is under way then is lost.
const idleMarginMs = 2_000;
const maxIdleMs = 600_000;

/**
 * Returns how long the connection may be idle, in milliseconds: the server's `Keep-Alive: timeout=` in seconds less a margin,
 * 0 for `max=0`, undefined without a hint.
 */
export function parseIdleLimit({ fields: { "keep-alive": hint } }: ParsedHead): number | undefined {
  if (hint === undefined) return undefined;
  if (/(?:^|[\s,;])max=0+(?!\d)/i.test(String(hint))) return 0;
  const [, seconds] = /(?:^|[\s,;])timeout=(\d+)/i.exec(String(hint)) ?? [];
  return seconds === undefined ? undefined : Math.min(Number(seconds) * 1_000 - idleMarginMs, maxIdleMs);
}
