import { MalformedResponse } from "./errors.ts";
import type { ParsedHead } from "./head.ts";

/** Body length that stands for a chunked body (RFC 9112 §7.1). */
export const chunkedLength = -1;
/** Body length that stands for a body that ends with the connection (RFC 9112 §6.3). */
export const untilClose = -2;

/**
 * Returns the length of a response's body: a number of bytes, `chunkedLength` or `untilClose` (RFC 9112 §6.3).
 * Transfer-Encoding overrides Content-Length.
 *
 * @throws MalformedResponse when Content-Length is not a single number, or the transfer coding is not chunked.
 */
export function bodyLength({ status, fields }: ParsedHead, method: string): number {
  const { "transfer-encoding": transfer, "content-length": length } = fields;
  if (method === "HEAD" || status === 204 || status === 304) return 0;
  if (transfer !== undefined) return parseTransferEncoding(String(transfer));
  if (length === undefined) return untilClose;
  if (typeof length !== "string" || !oneNumber.test(length)) return parseContentLength(fields, length);
  return Number(length);
}

const oneNumber = /^\d{1,15}$/;

/** A Content-Length that repeats the same number counts as one, and replaces the list (RFC 9110 §8.6). */
function parseContentLength(fields: ParsedHead["fields"], contentLength: string | string[]): number {
  const [length = "", ...others] = String(contentLength)
    .split(",")
    .map((each) => each.trim());
  if (!oneNumber.test(length) || others.some((other) => other !== length))
    throw new MalformedResponse("Content-Length is not a single number");
  fields["content-length"] = length;
  return Number(length);
}

function parseTransferEncoding(codings: string): number {
  if (codings.toLowerCase() === "chunked") return chunkedLength;
  throw new MalformedResponse("the Transfer-Encoding is not chunked");
}

/**
 * Returns whether another request may use the connection (RFC 9112 §9.3).
 *
 * It may not when the response has two kinds of framing, ends with the connection, or has a body that it must not have:
 * the bytes that follow could be read as the next response.
 */
export function isPersistent(head: ParsedHead, method: string): boolean {
  return isKeptAlive(head) && (method === "HEAD" || isFramed(head));
}

function isKeptAlive({ minor, fields: { connection } }: ParsedHead): boolean {
  // Hot path: the value that most servers send.
  if (connection === undefined || (connection === "keep-alive" && minor > 0)) return minor > 0;
  return minor > 0
    ? !hasConnectionOption(connection, "close")
    : hasConnectionOption(connection, "keep-alive");
}

function isFramed({ minor, status, fields }: ParsedHead): boolean {
  const { "transfer-encoding": transfer, "content-length": length } = fields;
  if (status === 204 || status === 304) return transfer === undefined && (length ?? "0") === "0";
  // HTTP/1.0 has no chunked coding: such a response cannot be trusted (RFC 9112 §6.1).
  return transfer === undefined ? length !== undefined : length === undefined && minor > 0;
}

function hasConnectionOption(connection: string | string[], option: string): boolean {
  return String(connection)
    .split(",")
    .some((each) => each.trim().toLowerCase() === option);
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
