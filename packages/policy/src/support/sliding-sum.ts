/**
 * A sum over the latest slots of time, in which what is old is forgotten slot by slot. A slot is a whole number that
 * grows with time: `Math.floor(now / width)`.
 */
export interface SlidingSum {
  /** The slot that is being added to. */
  readonly slot: number;
  /** Its sum so far. */
  readonly current: number;
  /** The sums of the slots before, the latest first. */
  readonly older: readonly number[];
}

/** The sum of nothing. */
export const emptySum: SlidingSum = { slot: -Infinity, current: 0, older: [] };

/** Adds to the sum over `slots` slots, at slot `slot`; a slot in the past counts as the latest one. */
export function addToSum(
  sum: SlidingSum,
  amount: number,
  at: { readonly slot: number; readonly slots: number },
): SlidingSum {
  const { slot, current, older } = rollTo(sum, at.slot, at.slots);
  return { slot, current: current + amount, older };
}

/** Gives the sum over the `slots` slots that end with `slot`. */
export function totalSum(sum: SlidingSum, at: { readonly slot: number; readonly slots: number }): number {
  const { current, older } = rollTo(sum, at.slot, at.slots);
  return older.reduce((total, amount) => total + amount, current);
}

function rollTo(sum: SlidingSum, slot: number, slots: number): SlidingSum {
  const passed = slot - sum.slot;
  if (passed <= 0) return sum;
  if (passed >= slots) return { slot, current: 0, older: [] };
  const skipped = Array.from({ length: passed - 1 }, () => 0);
  return { slot, current: 0, older: [...skipped, sum.current, ...sum.older].slice(0, slots - 1) };
}
