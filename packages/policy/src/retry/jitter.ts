import { randomBetween } from "../clock/random.ts";
import { formatMs, toMs, type Duration } from "../clock/duration.ts";
import { withName, strategyName } from "../support/strategy-name.ts";
import type { Wait } from "./wait.ts";

/** Waits a random time from 0 to the delay of `wait`, which spreads callers limit (AWS Architecture Blog, "Exponential Backoff and Jitter"). */
export function fullJitter<T = unknown>(wait: Wait<T>): Wait<T> {
  return withName(`fullJitter(${strategyName(wait)})`, (attempt, random) =>
    randomBetween(0, wait(attempt, random), random),
  );
}

/** Waits a random time from half the delay of `wait` to all of it. */
export function equalJitter<T = unknown>(wait: Wait<T>): Wait<T> {
  return withName(`equalJitter(${strategyName(wait)})`, (attempt, random) => {
    const delay = wait(attempt, random);
    return randomBetween(delay / 2, delay, random);
  });
}

/**
 * Waits the delay of `wait`, plus or minus the share `ratio`: 0.2 means 80 % to 120 %.
 *
 * @throws RangeError unless 0 ≤ ratio ≤ 1.
 */
export function proportionalJitter<T = unknown>(ratio: number, wait: Wait<T>): Wait<T> {
  if (!(ratio >= 0 && ratio <= 1))
    throw new RangeError(`proportionalJitter needs a ratio from 0 to 1, got ${ratio}`);
  return withName(`proportionalJitter(${ratio}, ${strategyName(wait)})`, (attempt, random) => {
    const delay = wait(attempt, random);
    return randomBetween(delay * (1 - ratio), delay * (1 + ratio), random);
  });
}

/**
 * Waits a random time from the delay of `wait` to three times the previous delay, at limit `max`. Each wait depends on the
 * previous one, so that callers drift apart (AWS Architecture Blog, "Exponential Backoff and Jitter").
 */
export function decorrelatedJitter<T = unknown>(
  wait: Wait<T>,
  { max = Infinity }: { readonly max?: Duration } = {},
): Wait<T> {
  const limit = toMs(max);
  return withName(`decorrelatedJitter(${strategyName(wait)}, max ${formatMs(limit)})`, (attempt, random) => {
    const low = wait(attempt, random);
    const high = Math.max(low, 3 * attempt.waited);
    return Math.min(limit, randomBetween(low, high, random));
  });
}
