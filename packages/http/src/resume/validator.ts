import type { ResponseHeaders } from "../model/headers.ts";
import { parseHttpDate } from "../model/http-date.ts";

// RFC 9110 §8.8.2.2 requires a difference between Last-Modified and Date that makes clock skew unlikely. One second is
// enough if both come from one clock, but a client cannot know that. RFC 7232 §2.2.2 gave 60 s.
const minValidatorAge = 60_000;

// RFC 9110 §8.8.3 without obs-text: a tag that is not ASCII would have to be sent back byte by byte.
const strongTag = /^"[\x21\x23-\x7e]*"$/;

/**
 * Returns the strong validator of a response, as `If-Range` sends it, or undefined if the response has none.
 *
 * A strong entity tag is one. If the response has no tag at all, a `Last-Modified` at least a minute older than `Date`
 * is one too (RFC 9110 §13.1.5, §8.8.2.2). Parts of a body may be combined only under one strong validator.
 */
export function strongValidator(headers: ResponseHeaders): string | undefined {
  const tags = headers.getAll("etag");
  // A weak tag counts as a tag: If-Range must not carry a date if the response has a tag.
  if (tags.length > 0) return strongTagIn(headers);
  const [modified, ...others] = headers.getAll("last-modified");
  if (modified === undefined || others.length > 0) return undefined;
  const [then, now] = [parseFixedDate(modified), parseFixedDate(headers.get("date") ?? "")];
  return then !== undefined && now !== undefined && now - then >= minValidatorAge ? modified : undefined;
}

/** Returns whether a response carries this validator. A response without a validator does not. */
export function hasValidator(headers: ResponseHeaders, validator: string): boolean {
  if (validator.startsWith('"')) return strongTagIn(headers) === validator;
  const dates = headers.getAll("last-modified");
  return dates.length === 1 && dates[0] === validator;
}

/** Returns whether a stored text is a validator as `strongValidator` returns it, and so is safe to send in a header. */
export function isValidator(text: string): boolean {
  return strongTag.test(text) || (/^[\w,: ]+$/.test(text) && parseFixedDate(text) !== undefined);
}

/** Parses an IMF-fixdate. The obsolete date forms are not validators, since their two-digit years depend on today. */
function parseFixedDate(date: string): number | undefined {
  return /^\w{3}, \d\d \w{3} \d{4} /.test(date) ? parseHttpDate(date, 0) : undefined;
}

function strongTagIn(headers: ResponseHeaders): string | undefined {
  const [tag, ...others] = headers.getAll("etag");
  return tag !== undefined && others.length === 0 && strongTag.test(tag) ? tag : undefined;
}
