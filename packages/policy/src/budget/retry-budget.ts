import { checkOptions, type OptionTypes } from "../support/check-options.ts";
import { systemClock, type Clock } from "../clock/clock.ts";
import { toMs, type Duration } from "../clock/duration.ts";
import { addToSum, emptySum, totalSum, type SlidingSum } from "../support/sliding-sum.ts";

/**
 * Limits how many retries all calls together may make: each call adds to the budget, each retry takes from it. Share one
 * budget between all policies that call the same service.
 */
export interface RetryBudget {
  /** Adds the share of a retry that a call earns. */
  deposit(): void;
  /** Takes one retry. Returns false when the budget is empty; then do not retry. */
  withdraw(): boolean;
}

/** A budget that never becomes empty. */
export const unlimited: RetryBudget = { deposit: () => undefined, withdraw: () => true };

/** The options of `retryBudget`. */
export interface RetryBudgetOptions {
  /** How many retries each call earns. 0.2 allows one retry per five calls. @default 0.2 */
  readonly ratio?: number;
  /** How many retries per second are free, so that a caller with little traffic can retry. @default 10 */
  readonly minPerSecond?: number;
  /** How long the share of a call and a used retry count. @default "10s" */
  readonly window?: Duration;
  /** Source of the time. @default systemClock */
  readonly clock?: Clock;
}

/** The defaults of `retryBudget`: the values of Finagle. */
export const retryBudgetDefaults: Required<RetryBudgetOptions> = {
  ratio: 0.2,
  minPerSecond: 10,
  window: "10s",
  clock: systemClock,
};

/** A budget over a sliding window of time. */
export interface SlidingBudget extends RetryBudget {
  /** How many retries are left now. */
  readonly balance: number;
}

const slots = 10;

const optionTypes = {
  ratio: "number",
  minPerSecond: "number",
  window: "any",
  clock: "object",
} satisfies OptionTypes<RetryBudgetOptions>;

/**
 * Creates a budget that allows `ratio` retries for each call of the last `window`, plus `minPerSecond` free ones.
 *
 * An attempt limit bounds the cost of one call. Only a budget bounds the cost of all calls together. During an outage,
 * three attempts per call triple the load of a server that is already overloaded, and every layer that retries multiplies
 * it again: three layers of four attempts send 64 requests for one call. The retries then keep the server from
 * recovering. With a budget, the load in an outage is at most 1 + `ratio` times the normal load, however many attempts
 * each call may make, and the few failures of a normal day are still all retried. Share one budget between all retries
 * and hedges that call the same server, and keep an attempt limit for each call. (Google, Site Reliability Engineering,
 * ch. 22 "Addressing Cascading Failures". The algorithm is Finagle's `RetryBudget`.)
 *
 * @throws RangeError for a negative `ratio` or `minPerSecond`, or a `window` that is 0 or infinite.
 */
export function retryBudget(options: RetryBudgetOptions = {}): SlidingBudget {
  checkOptions("retryBudget", options, optionTypes);
  const { ratio, minPerSecond, window, clock } = { ...retryBudgetDefaults, ...options };
  const width = toMs(window) / slots;
  if (!(ratio >= 0 && minPerSecond >= 0)) {
    throw new RangeError(
      `retryBudget needs ratio >= 0 and minPerSecond >= 0, got ${ratio} and ${minPerSecond}`,
    );
  }
  if (!(width > 0 && width < Infinity))
    throw new RangeError(`retryBudget needs a finite window above 0, got ${window}`);
  const reserve = (minPerSecond * width * slots) / 1_000;
  const now = (): { slot: number; slots: number } => ({ slot: Math.floor(clock.now() / width), slots });
  let earned: SlidingSum = emptySum;
  const balance = (): number => reserve + totalSum(earned, now());
  return {
    get balance() {
      // Five shares of 0.2 are one retry, although their binary sum is a little less than 1.
      return Math.max(0, Math.floor(balance() + 1e-9));
    },
    deposit: () => {
      earned = addToSum(earned, ratio, now());
    },
    withdraw: () => {
      if (balance() < 1 - 1e-9) return false;
      earned = addToSum(earned, -1, now());
      return true;
    },
  };
}
