import { MalformedResponse } from "./errors.ts";
import type { ParsedHead } from "./head.ts";

/** A body that comes in chunks (RFC 9112 §7.1). */
export const chunkedLength = -1;
/** A body that only the end of the connection ends (RFC 9112 §6.3). */
export const untilClose = -2;

/**
 * How long the body of an answer is: a number of bytes, `inChunks` or `untilClose` (RFC 9112 §6.3). Transfer-Encoding
 * overrides Content-Length.
 *
 * @throws MalformedAnswer where Content-Length does not say one number, or a transfer coding was not asked for.
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

/** The same length said several times is one, and put in their place (RFC 9110 §8.6). */
function parseContentLength(fields: ParsedHead["fields"], said: string | string[]): number {
  const [length = "", ...others] = String(said)
    .split(",")
    .map((each) => each.trim());
  if (!oneNumber.test(length) || others.some((other) => other !== length))
    throw new MalformedResponse("its Content-Length is not one number");
  fields["content-length"] = length;
  return Number(length);
}

function parseTransferEncoding(codings: string): number {
  if (codings.toLowerCase() === "chunked") return chunkedLength;
  throw new MalformedResponse("a Transfer-Encoding that was not asked for");
}

/**
 * Whether another request may follow on the connection (RFC 9112 §9.3). Not where the answer is framed in two ways, only by
 * the end of the connection, or has a body that it may not have: what follows could be taken for the next answer.
 */
export function isPersistent(head: ParsedHead, method: string): boolean {
  return isKeptAlive(head) && (method === "HEAD" || isFramed(head));
}

function isKeptAlive({ minor, fields: { connection } }: ParsedHead): boolean {
  // Hot path: what most servers say, if they say anything.
  if (connection === undefined || (connection === "keep-alive" && minor > 0)) return minor > 0;
  return minor > 0
    ? !hasConnectionOption(connection, "close")
    : hasConnectionOption(connection, "keep-alive");
}

function isFramed({ minor, status, fields }: ParsedHead): boolean {
  const { "transfer-encoding": transfer, "content-length": length } = fields;
  if (status === 204 || status === 304) return transfer === undefined && (length ?? "0") === "0";
  // HTTP/1.0 knows no chunks: whoever sends them does not know what it says (RFC 9112 §6.1).
  return transfer === undefined ? length !== undefined : length === undefined && minor > 0;
}

function hasConnectionOption(connection: string | string[], option: string): boolean {
  return String(connection)
    .split(",")
    .some((each) => each.trim().toLowerCase() === option);
}

// A server closes when its own limit is over; a request that is on its way then is lost.
const idleMarginMs = 2_000;
const maxIdleMs = 600_000;

/**
 * How many milliseconds the connection may be idle, by the server's `Keep-Alive: timeout=` in seconds, less a margin;
 * undefined where it does not say. With `max=0` it wants no further request.
 */
export function idleLimitOf({ fields: { "keep-alive": hint } }: ParsedHead): number | undefined {
  if (hint === undefined) return undefined;
  if (/(?:^|[\s,;])max=0+(?!\d)/i.test(String(hint))) return 0;
  const [, seconds] = /(?:^|[\s,;])timeout=(\d+)/i.exec(String(hint)) ?? [];
  return seconds === undefined ? undefined : Math.min(Number(seconds) * 1_000 - idleMarginMs, maxIdleMs);
}
