/**
 * A sum over the latest slots of time. Old amounts are dropped slot by slot. A slot is an integer that grows with time:
 * `Math.floor(now / width)`.
 */
export interface SlidingSum {
  /** The current slot. */
  readonly slot: number;
  /** The sum of the current slot. */
  readonly current: number;
  /** The sums of the earlier slots, the latest first. */
  readonly older: readonly number[];
}

/** A sum without amounts. */
export const emptySum: SlidingSum = { slot: -Infinity, current: 0, older: [] };

/** Adds an amount at slot `slot` to a sum over `slots` slots. A slot in the past counts as the current one. */
export function addToSum(
  sum: SlidingSum,
  amount: number,
  at: { readonly slot: number; readonly slots: number },
): SlidingSum {
  const { slot, current, older } = rollTo(sum, at.slot, at.slots);
  return { slot, current: current + amount, older };
}

/** Returns the sum over the `slots` slots that end with `slot`. */
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
