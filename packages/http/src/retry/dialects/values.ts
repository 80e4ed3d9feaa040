import { ownValue } from "@holdfast/policy/internal";
import { maxListLength, parseHttpDate, parseTimestamp, splitDates } from "../../model/http-date.ts";
import { clampDelay } from "../retry-after.ts";

const number = /^\d+(?:\.\d+)?$/;
// No rate limit lasts longer: a longer delay is a misread value.
const year = 366 * 86_400_000;

/** Parses a number of seconds, with fractions, as milliseconds. */
export function parseSeconds(text: string): number | undefined {
  return number.test(text) ? clampDelay(Math.ceil(Number(text) * 1_000)) : undefined;
}

/** Parses a number of milliseconds, with fractions. */
function parseMilliseconds(text: string): number | undefined {
  return number.test(text) ? clampDelay(Number(text)) : undefined;
}

const unitMs: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
};
const step = String.raw`(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)`;
const steps = new RegExp(`^(?:${step})+$`);

/** Parses a duration in the format of Go (`time.Duration.String`): `6m0s`, `12ms`, `1.5s`. Returns milliseconds. */
export function parseGoDuration(text: string): number | undefined {
  if (!steps.test(text)) return undefined;
  const parts = [...text.matchAll(new RegExp(step, "g"))];
  return clampDelay(
    parts.reduce((sum, [, count, unit]) => sum + Number(count) * (ownValue(unitMs, unit ?? "") ?? 0), 0),
  );
}

// The format of `String(new Date())`: Tue Feb 16 2021 09:02:42 GMT+0100 (Central European Standard Time)
const script = /^([A-Z][a-z]{2} [A-Z][a-z]{2} \d{2} \d{4} \d{2}:\d{2}:\d{2} GMT[+-]\d{4})(?: \([^()]*\))?$/;

/** Returns the milliseconds from `now` until a timestamp. 0 for the past. */
export function delayUntilTimestamp(text: string, now: number): number | undefined {
  return until(parseTimestamp(text), now);
}

/**
 * Returns the milliseconds until a reset. Servers use several formats for the same header:
 *
 * - seconds from now (below 10^8, three years);
 * - seconds since 1970 (from 10^9, the year 2001);
 * - milliseconds since 1970 (from 10^12, the same year);
 * - a date.
 *
 * More than a year ahead is undefined. The past is 0.
 */
export function delayUntilReset(text: string, now: number): number | undefined {
  const delay = number.test(text) ? untilNumber(Number(text), now) : until(parseDate(text, now), now);
  return delay === undefined || delay > year ? undefined : delay;
}

function untilNumber(value: number, now: number): number | undefined {
  if (value < 1e8) return Math.ceil(value * 1_000);
  if (value < 1e9) return undefined;
  // Between them are seconds in the far future, such as the end of the year 9999, and milliseconds long past.
  return until(value < 1e12 ? Math.ceil(value * 1_000) : value, now);
}

function parseDate(text: string, now: number): number | undefined {
  const written = script.exec(text)?.[1];
  if (written !== undefined) {
    const instant = Date.parse(written);
    return Number.isNaN(instant) ? undefined : instant;
  }
  return parseTimestamp(text) ?? parseHttpDate(text, now);
}

function until(instant: number | undefined, now: number): number | undefined {
  return instant === undefined ? undefined : clampDelay(instant - now);
}

/** Returns whether a count of remaining requests is 0. */
export function isNothingLeft(text: string): boolean {
  return splitList(text).some((member) => /^\s*0+(?:\.0+)?\s*$/.test(member));
}

/**
 * Parses every member of a header that occurs several times, and returns the longest delay. Undefined if one member cannot be
 * read: it may be a part of a date.
 */
export function longestDelay(
  value: string | null,
  read: (text: string) => number | undefined,
): number | undefined {
  if (value === null) return undefined;
  const delays = splitDates(value).map(read);
  return delays.length > 0 && isComplete(delays) ? Math.max(...delays) : undefined;
}

/** Parses every member of a header in milliseconds, and returns the longest. Members that cannot be read are skipped. */
export function longestMilliseconds(value: string | null): number | undefined {
  const delays = splitList(value ?? "").flatMap((member) => parseMilliseconds(member.trim()) ?? []);
  return delays.length === 0 ? undefined : Math.max(...delays);
}

function splitList(text: string): readonly string[] {
  return text.length > maxListLength ? [] : text.split(",");
}

function isComplete(delays: readonly (number | undefined)[]): delays is readonly number[] {
  return delays.every((delay) => delay !== undefined);
}

/** Returns a field of parsed JSON by its path: `readField(reply.body?.(), "error", "code")`. Undefined without it. */
export function readField(value: unknown, ...path: readonly string[]): unknown {
  let at = value;
  for (const name of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, name)) return undefined;
    at = Reflect.get(at, name);
  }
  return at;
}

/** Returns a string of parsed JSON by its path. Empty without it. */
export function readText(value: unknown, ...path: readonly string[]): string {
  const text = readField(value, ...path);
  return typeof text === "string" ? text : "";
}

/** Returns a number of parsed JSON by its path. NaN without it. */
export function readNumber(value: unknown, ...path: readonly string[]): number {
  const number = readField(value, ...path);
  return typeof number === "number" ? number : NaN;
}

/** Returns a list of parsed JSON by its path. Empty without it. */
export function readList(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const list = readField(value, ...path);
  return Array.isArray(list) ? list : [];
}
