import { ownValue } from "../support/own-value.ts";
/** The unit of a duration literal: milliseconds, seconds, minutes, hours or days. */
export type DurationUnit = "ms" | "s" | "m" | "h" | "d";

/** A length of time: a number of milliseconds, or a string such as `"500ms"`, `"1.5s"`, `"10m"`, `"2h"`, `"1d"`. */
export type Duration = number | `${number}${DurationUnit}`;

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const literal = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/**
 * Converts a duration to milliseconds. `Infinity` stays `Infinity`.
 *
 * @throws RangeError for a negative number, NaN, or a string without a number and a unit (ms, s, m, h, d).
 */
export function toMs(duration: Duration): number {
  if (typeof duration === "number") {
    if (duration >= 0) return duration;
    throw new RangeError(`A duration must be 0 or more milliseconds, got ${duration}`);
  }
  const [, amount, unit] = literal.exec(duration) ?? [];
  if (amount === undefined || unit === undefined) {
    throw new RangeError(
      `A duration must be milliseconds or a literal such as "30s", got ${JSON.stringify(duration)}`,
    );
  }
  return Number(amount) * (ownValue(unitMs, unit) ?? NaN);
}

/** Returns whether a value is a valid duration. */
export function isDuration(value: unknown): value is Duration {
  return typeof value === "number" ? value >= 0 : typeof value === "string" && literal.test(value);
}

/** Formats milliseconds in a readable unit: `"250ms"`, `"1.5s"`, `"2m"`, `"forever"`. */
export function formatMs(ms: number): string {
  if (ms === Infinity) return "forever";
  const unit = ms < 1_000 ? "ms" : ms < 60_000 ? "s" : ms < 3_600_000 ? "m" : "h";
  return `${Number((ms / (ownValue(unitMs, unit) ?? 1)).toFixed(2))}${unit}`;
}
