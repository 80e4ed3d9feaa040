import { parseHttpDate } from "../model/http-date.ts";

/** A server's own wish when to come back. */
export interface ServerDelay {
  /** Milliseconds from now: 0 or more, at most a century. */
  readonly delay: number;
  /** The header, or dialect, that said so. */
  readonly source: string;
}

// So that the instant which a delay leads to is always one that a Date can hold.
const longest = 100 * 365 * 86_400_000;

/**
 * Reads the value of a Retry-After header; undefined when it says nothing that can be understood, which costs its
 * timing, not the retry.
 *
 * Understood are delay-seconds and the three forms of HTTP-date (RFC 9110 §10.2.3, §5.6.7), and beyond the grammar
 * fractions of a second and mail dates. A date in the past is a delay of 0. Of several values, which is what lines
 * joined by commas look like, the longest counts: none is undercut.
 *
 * @param now milliseconds since 1970-01-01T00:00:00Z, from which a date is measured.
 */
export function parseRetryAfter(value: string, now: number): ServerDelay | undefined {
  // The comma after a day of the week splits as well, and costs nothing: the day is not needed.
  const delays = value.split(",").flatMap((member) => delayOf(member.trim(), now) ?? []);
  return delays.length === 0 ? undefined : { delay: Math.max(...delays), source: "retry-after" };
}

function delayOf(member: string, now: number): number | undefined {
  if (/^\d+(?:\.\d+)?$/.test(member)) return within(Number(member) * 1_000);
  const date = parseHttpDate(member, now);
  return date === undefined ? undefined : within(date - now);
}

/** Gives the nearest wait, in milliseconds, that is not below zero and leads to an instant which a Date can hold. */
export function within(delay: number): number {
  return Math.min(Math.max(0, delay), longest);
}
