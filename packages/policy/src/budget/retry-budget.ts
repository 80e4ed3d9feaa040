import { systemClock, type Clock } from "../clock/clock.ts";
import { toMs, type Duration } from "../clock/duration.ts";
import { addToSum, emptySum, totalSum, type SlidingSum } from "../support/sliding-sum.ts";

/** What retries may cost: calls put in, retries take out. Share one between all policies that load the same thing. */
export interface RetryBudget {
  /** Notes a call, which earns a share of a retry. */
  deposit(): void;
  /** Takes one retry out; false when there is none left. */
  withdraw(): boolean;
}

/** The budget that never runs out. */
export const unlimited: RetryBudget = { deposit: () => undefined, withdraw: () => true };

export interface RetryBudgetOptions {
  /** How many retries each call earns: 0.2 is one retry for five calls. @default 0.2 */
  readonly ratio?: number;
  /** How many retries a second are free, so that a caller with little traffic may retry at all. @default 10 */
  readonly minPerSecond?: number;
  /** How long a call's share may be spent, and a retry is remembered. @default "10s" */
  readonly window?: Duration;
  /** @default systemClock */
  readonly clock?: Clock;
}

/** What `retryBudget()` does when it is told nothing: Finagle's figures. */
export const retryBudgetDefaults: Required<RetryBudgetOptions> = {
  ratio: 0.2,
  minPerSecond: 10,
  window: "10s",
  clock: systemClock,
};

/** A budget that shows what is left. */
export interface SlidingBudget extends RetryBudget {
  /** How many retries could be made now. */
  readonly balance: number;
}

const slots = 10;

/**
 * Makes a budget that allows `ratio` retries for each call of the last `window`, and `minPerSecond` besides.
 *
 * An attempt limit bounds what one call may cost; only a budget bounds what all of them cost together. When a server
 * fails for everybody, three attempts per call treble its load at the moment when it can bear least, and each layer
 * that retries multiplies that again: three layers of four attempts send 64 requests for one. The retries then keep down
 * what they should have saved. With a budget the load in an outage is at most 1 + `ratio` of the ordinary, however many
 * attempts each call is allowed, while the few failures of an ordinary day are all retried. So share one budget between
 * all that loads the same server, retries and hedges alike, and keep an attempt limit for the single call. (Google, Site
 * Reliability Engineering, ch. 22 "Addressing Cascading Failures"; the algorithm is Finagle's `RetryBudget`.)
 *
 * @throws RangeError for a negative ratio or minimum, or a window of 0 or no end.
 */
export function retryBudget(options: RetryBudgetOptions = {}): SlidingBudget {
  const { ratio, minPerSecond, window, clock } = { ...retryBudgetDefaults, ...options };
  const width = toMs(window) / slots;
  if (!(ratio >= 0 && minPerSecond >= 0)) {
    throw new RangeError(
      `retryBudget needs a ratio and a minimum of 0 or more, got ${ratio} and ${minPerSecond}`,
    );
  }
  if (!(width > 0 && width < Infinity))
    throw new RangeError(`retryBudget needs a finite window of more than 0 ms`);
  const reserve = (minPerSecond * width * slots) / 1_000;
  const now = (): { slot: number; slots: number } => ({ slot: Math.floor(clock.now() / width), slots });
  let earned: SlidingSum = emptySum;
  const balance = (): number => reserve + totalSum(earned, now());
  return {
    get balance() {
      // Five shares of 0.2 are one retry, though their sum is a little less in binary.
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
