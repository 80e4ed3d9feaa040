import { parseHttpDate } from "../../model/http-date.ts";
import { clampDelay } from "../retry-after.ts";

const number = /^\d+(?:\.\d+)?$/;
// No limit on a rate lasts longer: what leads further was not meant as it reads.
const year = 366 * 86_400_000;

/** Reads a number of seconds, fractions too, as milliseconds. */
export function parseSeconds(text: string): number | undefined {
  return number.test(text) ? clampDelay(Math.ceil(Number(text) * 1_000)) : undefined;
}

/** Reads a number of milliseconds, fractions too. */
export function parseMilliseconds(text: string): number | undefined {
  return number.test(text) ? clampDelay(Number(text)) : undefined;
}

const unitOf: Readonly<Record<string, number>> = {
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

/** Reads a duration as Go writes it (`time.Duration.String`): `6m0s`, `12ms`, `1.5s`. In milliseconds. */
export function parseGoDuration(text: string): number | undefined {
  if (!steps.test(text)) return undefined;
  const parts = [...text.matchAll(new RegExp(step, "g"))];
  return clampDelay(
    parts.reduce((sum, [, count, unit]) => sum + Number(count) * (unitOf[unit ?? ""] ?? 0), 0),
  );
}

const iso = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})$/i;
// What `String(new Date())` gives: Tue Feb 16 2021 09:02:42 GMT+0100 (Central European Standard Time)
const script = /^([A-Z][a-z]{2} [A-Z][a-z]{2} \d{2} \d{4} \d{2}:\d{2}:\d{2} GMT[+-]\d{4})(?: \([^()]*\))?$/;

/** Reads a timestamp (RFC 3339, the seconds may be left out) as milliseconds since 1970-01-01T00:00:00Z. */
function parseTimestamp(text: string): number | undefined {
  const instant = iso.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(instant) ? undefined : instant;
}

/** Reads the wait until a timestamp, in milliseconds from `now`; what is past is 0. */
export function delayUntilTimestamp(text: string, now: number): number | undefined {
  return until(parseTimestamp(text), now);
}

/**
 * Reads the wait until a reset which may be written in any of the ways that servers have under one name: seconds from
 * now (below 10^8, three years), seconds since 1970 (from 10^9, the year 2001), milliseconds since 1970 (from 10^12, the
 * same year), or a date. What would lead more than a year ahead is not understood; what is past is 0.
 */
export function delayUntilReset(text: string, now: number): number | undefined {
  const delay = number.test(text) ? untilNumber(Number(text), now) : until(dateOf(text, now), now);
  return delay === undefined || delay > year ? undefined : delay;
}

function untilNumber(value: number, now: number): number | undefined {
  if (value < 1e8) return Math.ceil(value * 1_000);
  if (value < 1e9) return undefined;
  // Between them stand seconds that never come, such as the end of the year 9999, and milliseconds that are long past.
  return until(value < 1e12 ? Math.ceil(value * 1_000) : value, now);
}

function dateOf(text: string, now: number): number | undefined {
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

/** Whether a count of what remains says that nothing does. */
export function isNothingLeft(text: string): boolean {
  return text.split(",").some((member) => /^\s*0+(?:\.0+)?\s*$/.test(member));
}

/** Reads every member of a header that came more than once, and gives the longest wait: none is undercut. */
export function longestDelay(
  value: string | null,
  read: (text: string) => number | undefined,
): number | undefined {
  if (value === null) return undefined;
  // A date has a comma of its own.
  const whole = read(value.trim());
  if (whole !== undefined) return whole;
  const delays = value.split(",").flatMap((member) => read(member.trim()) ?? []);
  return delays.length === 0 ? undefined : Math.max(...delays);
}

/** Reads a field of parsed JSON by its path, `fieldOf(reply.body?.(), "error", "code")`; undefined where there is none. */
export function readField(value: unknown, ...path: readonly string[]): unknown {
  let at = value;
  for (const name of path) {
    if (typeof at !== "object" || at === null) return undefined;
    at = Reflect.get(at, name);
  }
  return at;
}

/** Reads a text in parsed JSON by its path; empty where there is none. */
export function readText(value: unknown, ...path: readonly string[]): string {
  const text = readField(value, ...path);
  return typeof text === "string" ? text : "";
}

/** Reads a number in parsed JSON by its path; NaN where there is none. */
export function readNumber(value: unknown, ...path: readonly string[]): number {
  const number = readField(value, ...path);
  return typeof number === "number" ? number : NaN;
}

/** Reads a list in parsed JSON by its path; empty where there is none. */
export function readList(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const list = readField(value, ...path);
  return Array.isArray(list) ? list : [];
}
