import { createHash } from "node:crypto";
import type { ResponseHeaders } from "../model/headers.ts";
import type { HttpRequest } from "../model/request.ts";
import { parseContentRange, type ServedRange } from "./content-range.ts";
import { bears, strongValidator } from "./validator.ts";

/** What is held of a representation: enough to ask for the rest of it, and to know it when it comes. */
export interface Held {
  /** Which resource it is of, see `resourceOf`. */
  readonly resource: string;
  /** A strong validator, as If-Range sends it. */
  readonly validator: string;
  /** Bytes that are here. */
  readonly offset: number;
  /** Bytes of the whole, where they are known. */
  readonly total: number | undefined;
}

/** The head of an answer. */
export interface Head {
  readonly status: number;
  readonly headers: ResponseHeaders;
}

/** What an answer to a request for the rest means. */
export type Judgement =
  /** Its body is the rest, exactly `length` bytes of it. */
  | { readonly means: "append"; readonly length: number; readonly total: number }
  /** There is no rest: what is here is all. */
  | { readonly means: "complete" }
  /** It is the whole: what is here makes way for it. */
  | { readonly means: "replace" }
  /** Neither it nor what is here can be used, for this reason: the whole has to be asked for. */
  | { readonly means: "restart"; readonly reason: string }
  /** It speaks of something else, as a 503 does. */
  | { readonly means: "pass" };

/** The name of a resource in comparisons: its URL without the fragment, hashed, so that it tells no secrets where it is stored. */
function resourceOf(url: string): string {
  return createHash("sha256").update(url.replace(/#.*$/s, "")).digest("hex");
}

const conditions = [
  "range",
  "if-range",
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
];

/** Whether a request may be turned into one for the rest: a plain GET of the same resource, without conditions of its own. */
export function mayAskForRest({ method, url, body, headers }: HttpRequest, held: Held): boolean {
  const plain = method === "GET" && body.kind === "none" && !conditions.some((name) => name in headers);
  return plain && resourceOf(url.href) === held.resource;
}

/**
 * What is held after `offset` bytes of a body. Undefined where no rest may be asked for: there is no strong validator, the
 * server serves no ranges, or the body is encoded, which leaves nobody sure that another answer will be so too.
 */
export function heldOf({ status, headers }: Head, url: string, offset: number): Held | undefined {
  const validator = strongValidator(headers);
  if (status !== 200 || validator === undefined || isEncoded(headers)) return undefined;
  if (headers.get("accept-ranges")?.toLowerCase() === "none") return undefined;
  const total = lengthOf(headers);
  return offset < (total ?? Infinity) ? { resource: resourceOf(url), validator, offset, total } : undefined;
}

/** The headers that ask for the rest, and only for the rest of the same (RFC 9110 §13.1.5, §14.2). */
export function restHeaders({ offset, validator }: Held): Readonly<Record<string, string>> {
  return { range: `bytes=${offset}-`, "if-range": validator };
}

/** Says what an answer to a request for the rest means: what is not proven to be the rest is never taken for it. */
export function judge(held: Held, head: Head): Judgement {
  switch (head.status) {
    case 200:
      return judgeWhole(held, head.headers);
    case 206:
      return judgePart(held, head.headers);
    case 204:
    case 205:
    case 304:
      return restart("the server sent no body");
    case 412:
      return restart("the server refused the condition");
    case 416:
      return judgeRefusal(held, head.headers);
    default:
      return { means: "pass" };
  }
}

/** A 200 is the whole, unless it contradicts itself or what it was before, under one validator. */
function judgeWhole(held: Held, headers: ResponseHeaders): Judgement {
  const range = parseContentRange(headers.get("content-range"));
  if (range?.first !== undefined && !isAll(range)) return restart("the server calls a part the whole");
  const [expected, announced] = [wholeLength(held, headers), lengthOf(headers)];
  const changed = announced !== undefined && announced !== (expected ?? announced);
  return changed ? restart("the length of the whole changed") : { means: "replace" };
}

function isAll({ first, last, complete }: ServedRange): boolean {
  return first === 0 && last === (complete ?? last + 1) - 1;
}

/**
 * The length that a 200 must have, because it says that it is what is held; undefined where it does not, where it is
 * encoded, or where that length is not known.
 */
export function wholeLength({ validator, total }: Held, headers: ResponseHeaders): number | undefined {
  return bears(headers, validator) && !isEncoded(headers) ? total : undefined;
}

// RFC 9110 §15.3.7.3: parts are combined only if they share a strong validator; §14.4: never by an invalid Content-Range.
function judgePart(held: Held, headers: ResponseHeaders): Judgement {
  if (!bears(headers, held.validator)) return restart("the validator changed");
  if (isEncoded(headers)) return restart("the rest is encoded");
  const range = parseContentRange(headers.get("content-range"));
  if (range?.first === undefined) return restart("the Content-Range is missing or wrong");
  return judgeRange(held, range, lengthOf(headers));
}

function judgeRange(
  { offset, total }: Held,
  { first, last, complete }: ServedRange,
  announced: number | undefined,
): Judgement {
  if (first !== offset) return restart("the rest begins elsewhere");
  if (complete !== (total ?? complete)) return restart("the length of the whole changed");
  // Nor may it be short of an end that is not known: what follows then would be missed.
  if (complete === undefined || last !== complete - 1) return restart("the rest does not go to the end");
  const length = complete - offset;
  return (announced ?? length) === length
    ? { means: "append", length, total: complete }
    : restart("Content-Range and Content-Length disagree");
}

/** At the very end there is no range to serve; that the same representation ends there, its validator says. */
function judgeRefusal({ validator, offset, total }: Held, headers: ResponseHeaders): Judgement {
  const range = parseContentRange(headers.get("content-range"));
  const ends = range !== undefined && range.first === undefined && range.complete === offset;
  const proven = ends && (total ?? offset) === offset && bears(headers, validator);
  return proven ? { means: "complete" } : restart("the server has no such range");
}

function restart(reason: string): Judgement {
  return { means: "restart", reason };
}

/** Whether a body is in some Content-Encoding. */
export function isEncoded(headers: ResponseHeaders): boolean {
  const coding = headers.get("content-encoding");
  return coding !== null && coding.trim().toLowerCase() !== "identity";
}

/** The length that a head announces for its body, where it does and is not overruled (RFC 9112 §6.3). */
export function lengthOf(headers: ResponseHeaders): number | undefined {
  const length = headers.get("content-length");
  return length === null || headers.has("transfer-encoding") || !/^\d{1,15}$/.test(length)
    ? undefined
    : Number(length);
}
