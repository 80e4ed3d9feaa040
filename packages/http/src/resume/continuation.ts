import type { AttemptRecord } from "../model/attempt-record.ts";
import type { ResponseHeaders } from "../model/headers.ts";
import type { HttpRequest } from "../model/request.ts";
import type { HttpResponse } from "../model/response.ts";
import { parseContentRange, type ServedRange } from "./content-range.ts";
import { hasValidator, strongValidator } from "./validator.ts";
import { loadCrypto } from "../support/builtins.ts";

/** The received part of a representation, with the facts to request and verify the missing bytes. */
export interface PartialRepresentation {
  /** Identifies the resource, see `hashResource`. */
  readonly resourceHash: string;
  /** The strong validator, as `If-Range` sends it. */
  readonly validator: string;
  /** Bytes that are here already. */
  readonly offset: number;
  /** Length of the whole in bytes, if known. */
  readonly total: number | undefined;
}

/** Status and headers of a response. */
export interface ReplyHead {
  readonly status: number;
  readonly headers: ResponseHeaders;
}

/** The meaning of a response to a range request. */
export type RangeReply =
  /** The body continues the part: exactly `length` bytes. */
  | { readonly means: "append"; readonly length: number; readonly total: number }
  /** No bytes are missing. */
  | { readonly means: "complete" }
  /** The body is the whole representation and replaces the partial body. */
  | { readonly means: "replace" }
  /** Neither the response nor the partial body is usable, for this reason. The whole must be requested again. */
  | { readonly means: "restart"; readonly reason: string }
  /** The response says nothing about the range, like a 503. */
  | { readonly means: "pass" };

/** Hashes a URL without its fragment. A sidecar file stores the hash, so that no secret of the URL reaches the disk. */
function hashResource(url: string): string {
  return loadCrypto().createHash("sha256").update(url.replace(/#.*$/s, "")).digest("hex");
}

const conditionalHeaders = [
  "range",
  "if-range",
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
];

/** Returns whether a request may become a range request: a GET of the same resource without conditional headers. */
export function canRequestRest(
  { method, url, body, headers }: HttpRequest,
  partial: PartialRepresentation,
): boolean {
  const plain =
    method === "GET" && body.kind === "none" && !conditionalHeaders.some((name) => name in headers);
  return plain && hashResource(url.href) === partial.resourceHash;
}

/**
 * Describes the first `offset` bytes of a body, or returns undefined if the missing bytes cannot be requested.
 *
 * It cannot without a strong validator, if the server refuses ranges, or if the body is encoded: another response may
 * be encoded differently.
 */
export function toPartialRepresentation(
  { status, headers }: ReplyHead,
  url: string,
  offset: number,
): PartialRepresentation | undefined {
  const validator = strongValidator(headers);
  if (status !== 200 || validator === undefined || isEncoded(headers)) return undefined;
  if (headers.get("accept-ranges")?.toLowerCase() === "none") return undefined;
  const total = declaredLength(headers);
  return offset < (total ?? Infinity)
    ? { resourceHash: hashResource(url), validator, offset, total }
    : undefined;
}

/** Returns the headers that request the missing bytes of the same representation (RFC 9110 §13.1.5, §14.2). */
export function rangeHeaders({ offset, validator }: PartialRepresentation): Readonly<Record<string, string>> {
  return { range: `bytes=${offset}-`, "if-range": validator };
}

/** Decides what a response to a range request means. Only a response that proves to continue the body is appended. */
export function evaluateReply(partial: PartialRepresentation, head: ReplyHead): RangeReply {
  switch (head.status) {
    case 200:
      return evaluateOk(partial, head.headers);
    case 206:
      return evaluatePartialContent(partial, head.headers);
    case 204:
    case 205:
    case 304:
      return restart("the server sent no body");
    case 412:
      return restart("the server refused the condition");
    case 416:
      return evaluateUnsatisfiable(partial, head.headers);
    default:
      return { means: "pass" };
  }
}

/** A 200 is the whole, unless it contradicts itself or has another length under the same validator. */
function evaluateOk(partial: PartialRepresentation, headers: ResponseHeaders): RangeReply {
  const range = parseContentRange(headers.get("content-range"));
  if (range?.first !== undefined && !coversWhole(range)) return restart("the server calls a part the whole");
  const [expected, announced] = [expectedLength(partial, headers), declaredLength(headers)];
  const changed = announced !== undefined && announced !== (expected ?? announced);
  return changed ? restart("the length of the whole changed") : { means: "replace" };
}

function coversWhole({ first, last, complete }: ServedRange): boolean {
  return first === 0 && last === (complete ?? last + 1) - 1;
}

/**
 * Returns the length that a 200 must have because it carries the validator of the partial body. Returns undefined if
 * it carries another validator, if it is encoded, or if the length is unknown.
 */
export function expectedLength(
  { validator, total }: PartialRepresentation,
  headers: ResponseHeaders,
): number | undefined {
  return hasValidator(headers, validator) && !isEncoded(headers) ? total : undefined;
}

// RFC 9110 §15.3.7.3: parts are combined only if they share a strong validator. §14.4: never by an invalid Content-Range.
function evaluatePartialContent(partial: PartialRepresentation, headers: ResponseHeaders): RangeReply {
  if (!hasValidator(headers, partial.validator)) return restart("the validator changed");
  if (isEncoded(headers)) return restart("the rest is encoded");
  const range = parseContentRange(headers.get("content-range"));
  if (range?.first === undefined) return restart("the Content-Range is missing or wrong");
  return evaluateRange(partial, range, declaredLength(headers));
}

function evaluateRange(
  { offset, total }: PartialRepresentation,
  { first, last, complete }: ServedRange,
  announced: number | undefined,
): RangeReply {
  if (first !== offset) return restart("the rest begins elsewhere");
  if (complete !== (total ?? complete)) return restart("the length of the whole changed");
  // A part that ends before an unknown end would leave bytes out.
  if (complete === undefined || last !== complete - 1) return restart("the rest does not go to the end");
  const length = complete - offset;
  return (announced ?? length) === length
    ? { means: "append", length, total: complete }
    : restart("Content-Range and Content-Length disagree");
}

/** A 416 at the very end of the body means that the body is complete, if the validator matches. */
function evaluateUnsatisfiable(
  { validator, offset, total }: PartialRepresentation,
  headers: ResponseHeaders,
): RangeReply {
  const range = parseContentRange(headers.get("content-range"));
  const ends = range !== undefined && range.first === undefined && range.complete === offset;
  const proven = ends && (total ?? offset) === offset && hasValidator(headers, validator);
  return proven ? { means: "complete" } : restart("the server has no such range");
}

function restart(reason: string): RangeReply {
  return { means: "restart", reason };
}

/** Returns whether a body has a `Content-Encoding` other than identity. */
export function isEncoded(headers: ResponseHeaders): boolean {
  const coding = headers.get("content-encoding");
  return coding !== null && coding.trim().toLowerCase() !== "identity";
}

/** Returns the `Content-Length` of a head, unless a `Transfer-Encoding` overrides it (RFC 9112 §6.3). */
export function declaredLength(headers: ResponseHeaders): number | undefined {
  const length = headers.get("content-length");
  return length === null || headers.has("transfer-encoding") || !/^\d{1,15}$/.test(length)
    ? undefined
    : Number(length);
}

/** How a response continues an earlier one. */
export interface ContinuationInfo {
  /** Bytes that were received before this response. */
  readonly offset: number;
  /** Size of the whole in bytes, if known. */
  readonly total: number | undefined;
  /** The status that the server sent. */
  readonly status: number;
}

const continuations = new WeakMap<HttpResponse, ContinuationInfo>();

/** Records that a response continues a body that broke off. Returns the response. */
export function markContinuation<R extends HttpResponse>(response: R, continued: ContinuationInfo): R {
  continuations.set(response, continued);
  return response;
}

/** Returns how a response continues an earlier one; undefined if it does not. */
export function findContinuation(response: HttpResponse): ContinuationInfo | undefined {
  return continuations.get(response);
}

/** Returns the status that the server sent, for the record of the attempt. The joined response may have another status. */
export function readServerStatus(response: HttpResponse): Pick<AttemptRecord, "status" | "resumedFrom"> {
  const continued = continuations.get(response);
  if (continued === undefined) return { status: response.status };
  return { status: continued.status, resumedFrom: continued.offset };
}
