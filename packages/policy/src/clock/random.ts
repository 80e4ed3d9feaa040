/** A source of random numbers in [0, 1), like `Math.random`. */
export type Random = () => number;

/** The platform's own source of random numbers. */
export const systemRandom: Random = () => Math.random();

/** Creates a repeatable source of random numbers: the same seed gives the same numbers (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Draws a number from `low` to `high`, all equally likely. Returns `Infinity` when `high` is `Infinity`. */
export function randomBetween(low: number, high: number, random: Random): number {
  // `random` may return 0, and 0 · Infinity is NaN.
  return high === Infinity ? Infinity : low + random() * (high - low);
}
