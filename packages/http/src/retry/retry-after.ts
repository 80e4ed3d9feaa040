import { parseHttpDate, parseTimestamp, splitDates } from "../model/http-date.ts";

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
 * Accepts delay-seconds and the three forms of HTTP-date (RFC 9110 §10.2.3, §5.6.7), also fractions of a second, mail dates,
 * timestamps (RFC 3339), and an instant in seconds since 1970 that is at most a day from now. An instant in the past is a
 * delay of 0. If the header occurs several times, the longest delay counts. If one of them cannot be understood, none does:
 * it may be a part of a date.
 *
 * @param now milliseconds since 1970-01-01T00:00:00Z, from which a date is measured.
 */
export function parseRetryAfter(value: string, now: number): ServerDelay | undefined {
  let longest: number | undefined;
  for (const member of splitDates(value)) {
    const delay = parseDelay(member, now);
    if (delay === undefined) return undefined;
    longest = Math.max(longest ?? 0, delay);
  }
  return longest === undefined ? undefined : { delay: longest, source: "retry-after" };
}

const day = 86_400_000;
// The year 2001, as seconds since 1970. No server asks for a wait of 31 years.
const firstInstant = 1e9;

function parseDelay(member: string, now: number): number | undefined {
  if (/^\d+(?:\.\d+)?$/.test(member)) return parseNumber(Number(member), now);
  const date = parseTimestamp(member) ?? parseHttpDate(member, now);
  return date === undefined ? undefined : clampDelay(date - now);
}

/** Some servers send the instant in place of the delay, in seconds since 1970. */
function parseNumber(value: number, now: number): number {
  const milliseconds = value * 1_000;
  const isInstant = value >= firstInstant && Math.abs(milliseconds - now) <= day;
  return clampDelay(isInstant ? milliseconds - now : milliseconds);
}

/** Limits a delay in milliseconds to the range from 0 to a century. */
export function clampDelay(delay: number): number {
  return Math.min(Math.max(0, delay), maxDelay);
}
