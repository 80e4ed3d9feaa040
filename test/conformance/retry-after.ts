import { Retry } from "../../packages/http/src/retry/retry.ts";
import type { Adapter, Vector } from "./adapter.ts";
import { close } from "./compare.ts";

/** A value of Retry-After, the clock in seconds since 1970, and the longest delay. */
export interface RetryAfterVector {
  readonly class: string;
  readonly conformant: boolean;
  readonly value: string;
  readonly now: number;
  readonly retry_after_max?: number;
  readonly seconds?: number;
  readonly error?: string;
}

/** urllib3's parsing of Retry-After; an invalid header in urllib3 has no delay here. */
export const retryAfter: Adapter = {
  cases: (vector) => {
    const { error, seconds } = vectorOf(vector);
    // An accidental error of Python is not a result for the value.
    return error === "ValueError" ? `urllib3 fails, got ${String(readBy(vector))}` : reads(vector, seconds);
  },
};

/** Returns the difference between the parsed value and `seconds`, or undefined. */
export function reads(vector: Vector, seconds: number | undefined): string | undefined {
  const got = readBy(vector);
  const same = got === undefined || seconds === undefined ? got === seconds : close(got, seconds);
  return same ? undefined : `expected ${seconds} s, got ${got} s`;
}

/** Reads the value with holdfast: seconds, or undefined. */
export function readBy(vector: Vector): number | undefined {
  const { value, now } = vectorOf(vector);
  const delay = new Retry({ retryAfterMax: longest(vector) * 1_000 }).parseRetryAfter(value, now * 1_000);
  return delay === undefined ? undefined : delay / 1_000;
}

/** The cap of the case, in seconds. */
export function longest(vector: Vector): number {
  return vectorOf(vector).retry_after_max ?? 21_600;
}

export function vectorOf(vector: Vector): RetryAfterVector {
  return vector as unknown as RetryAfterVector;
}

const twoDigitYear = /^[A-Za-z]+, (\d\d)-([A-Z][a-z]{2})-(\d\d) (\d\d:\d\d:\d\d) GMT$/;

/** Returns the delay of an RFC 850 date with the latest year that is at most 50 years ahead; undefined for other values. */
export function delayByRfc(vector: Vector): number | undefined {
  const { value, now } = vectorOf(vector);
  const [, day, month, year, time] = twoDigitYear.exec(value) ?? [];
  const candidates = [1900, 2000, 2100].map(
    (century) => Date.parse(`${day} ${month} ${century + Number(year)} ${time} GMT`) / 1_000,
  );
  const at = candidates.filter((second) => second <= now + 50 * 365.2425 * 86_400).at(-1);
  return at === undefined ? undefined : Math.min(Math.max(0, at - now), longest(vector));
}
