import { parseHttpDate } from "../model/http-date.ts";

/** The wait that a server asks for. */
export interface ServerDelay {
  /** Milliseconds from now: 0 or more, at most a century. */
  readonly delay: number;
  /** The header or dialect that states it. */
  readonly source: string;
}

// A century: an instant so far ahead is still one that a Date can hold.
const maxDelay = 100 * 365 * 86_400_000;

/**
 * Parses the value of a Retry-After header. Returns undefined for a value that cannot be understood.
 *
 * Accepts delay-seconds and the three forms of HTTP-date (RFC 9110 §10.2.3, §5.6.7), also fractions of a second and mail
 * dates. A date in the past is a delay of 0. If the header occurs several times, the longest delay counts.
 *
 * @param now milliseconds since 1970-01-01T00:00:00Z, from which a date is measured.
 */
export function parseRetryAfter(value: string, now: number): ServerDelay | undefined {
  // The comma after a day of the week splits as well. That is harmless: the day is not needed.
  const delays = value.split(",").flatMap((member) => parseDelay(member.trim(), now) ?? []);
  return delays.length === 0 ? undefined : { delay: Math.max(...delays), source: "retry-after" };
}

function parseDelay(member: string, now: number): number | undefined {
  if (/^\d+(?:\.\d+)?$/.test(member)) return clampDelay(Number(member) * 1_000);
  const date = parseHttpDate(member, now);
  return date === undefined ? undefined : clampDelay(date - now);
}

/** Limits a delay in milliseconds to the range from 0 to a century. */
export function clampDelay(delay: number): number {
  return Math.min(Math.max(0, delay), maxDelay);
}
