import type { ResponseHeaders } from "../model/headers.ts";
import { parseHttpDate } from "../model/http-date.ts";

// RFC 9110 §8.8.2.2 asks for "enough difference between the Last-Modified and Date values to make clock synchronization
// issues unlikely", and for one second where both come from one clock, which nobody out here can know. RFC 7232 §2.2.2
// named this number.
const settledMs = 60_000;

// RFC 9110 §8.8.3, without obs-text: what is not ASCII would have to be sent back byte by byte as it came.
const strongTag = /^"[\x21\x23-\x7e]*"$/;

/**
 * The validator of an answer by which parts of it may be put together, as If-Range sends it: a strong entity tag, or,
 * where the answer has no tag at all, a Last-Modified that was at least a minute old when the answer was made
 * (RFC 9110 §13.1.5, §8.8.2.2). Undefined where there is none.
 */
export function strongValidator(headers: ResponseHeaders): string | undefined {
  const tags = headers.getAll("etag");
  // A weak tag is a tag: If-Range must not carry a date where there is one.
  if (tags.length > 0) return strongTagOf(headers);
  const [modified, ...others] = headers.getAll("last-modified");
  if (modified === undefined || others.length > 0) return undefined;
  const [then, now] = [instantOf(modified), instantOf(headers.get("date") ?? "")];
  return then !== undefined && now !== undefined && now - then >= settledMs ? modified : undefined;
}

/** Whether an answer says itself that it is the one of this validator; saying nothing is not enough. */
export function bears(headers: ResponseHeaders, validator: string): boolean {
  if (validator.startsWith('"')) return strongTagOf(headers) === validator;
  const dates = headers.getAll("last-modified");
  return dates.length === 1 && dates[0] === validator;
}

/** Whether a text is what `strongValidator` gives, whoever kept it meanwhile: what is not may not go into a header. */
export function isValidator(text: string): boolean {
  return strongTag.test(text) || (/^[\w,: ]+$/.test(text) && instantOf(text) !== undefined);
}

/** The instant of an IMF-fixdate; the obsolete forms, which only two-digit years make depend on today, are no validators. */
function instantOf(date: string): number | undefined {
  return /^\w{3}, \d\d \w{3} \d{4} /.test(date) ? parseHttpDate(date, 0) : undefined;
}

function strongTagOf(headers: ResponseHeaders): string | undefined {
  const [tag, ...others] = headers.getAll("etag");
  return tag !== undefined && others.length === 0 && strongTag.test(tag) ? tag : undefined;
}
