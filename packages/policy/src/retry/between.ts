import type { Random } from "../clock/clock.ts";

/** Draws a number of milliseconds from `low` to `high`, each as likely; to an endless `high` it is endless. */
export function between(low: number, high: number, random: Random): number {
  // Chance may say 0, and 0 · Infinity is NaN.
  return high === Infinity ? Infinity : low + random() * (high - low);
}
