import { formatMs, toMs, type Duration } from "../clock/duration.ts";
import { addToSum, emptySum, totalSum, type SlidingSum } from "../support/sliding-sum.ts";

/**
 * What a closed circuit remembers of its calls, and whether it has had enough of them. Immutable: `after` gives the next
 * one. `now` is `clock.now()` milliseconds.
 */
export interface Tally {
  /** How it was made, for `explain`. */
  readonly name: string;
  /** The tally after a further result. */
  after(failed: boolean, now: number): Tally;
  /** Whether the circuit opens. */
  trips(now: number): boolean;
}

/** Opens after `threshold` failures in a row. */
export function consecutive(threshold: number): Tally {
  if (!(threshold >= 1)) throw new RangeError(`consecutive needs a threshold of 1 or more, got ${threshold}`);
  return consecutiveTally(threshold, 0);
}

function consecutiveTally(threshold: number, failures: number): Tally {
  const tally: Tally = {
    name: `consecutive(${threshold})`,
    after: (failed) =>
      failed
        ? consecutiveTally(threshold, failures + 1)
        : failures === 0
          ? tally
          : consecutiveTally(threshold, 0),
    trips: () => failures >= threshold,
  };
  return tally;
}

export interface CountWindowOptions {
  /** The share of failures that opens the circuit, above 0 and at most 1. @default 0.5 */
  readonly failureRatio?: number;
  /** How many results there must be before any share counts. @default 20 */
  readonly minimumThroughput?: number;
  /** How many of the latest results are looked at. @default 100 */
  readonly size?: number;
}

/** Opens when at least `failureRatio` of the latest `size` results were failures. */
export function countWindow(options: CountWindowOptions = {}): Tally {
  const { failureRatio = 0.5, minimumThroughput = 20, size = 100 } = options;
  checkRatio("countWindow", failureRatio);
  if (!(minimumThroughput >= 1 && size >= minimumThroughput)) {
    throw new RangeError(
      `countWindow needs 1 <= minimumThroughput <= size, got ${minimumThroughput} and ${size}`,
    );
  }
  const name = `countWindow(${percent(failureRatio)} of the last ${size}, at least ${minimumThroughput})`;
  const tallyOf = (results: readonly boolean[]): Tally => ({
    name,
    after: (failed) => tallyOf([...results.slice(results.length < size ? 0 : 1), failed]),
    trips: () => {
      const failures = results.filter(Boolean).length;
      return results.length >= minimumThroughput && failures >= failureRatio * results.length;
    },
  });
  return tallyOf([]);
}

export interface TimeWindowOptions {
  /** The share of failures that opens the circuit, above 0 and at most 1. @default 0.5 */
  readonly failureRatio?: number;
  /** How many results there must be before any share counts. @default 20 */
  readonly minimumThroughput?: number;
  /** How long a result counts. @default "30s" */
  readonly samplingDuration?: Duration;
}

const slots = 10;

/** Opens when at least `failureRatio` of the results of the last `samplingDuration` were failures. */
export function timeWindow(options: TimeWindowOptions = {}): Tally {
  const { failureRatio = 0.5, minimumThroughput = 20, samplingDuration = "30s" } = options;
  const duration = toMs(samplingDuration);
  checkRatio("timeWindow", failureRatio);
  if (!(minimumThroughput >= 1)) throw new RangeError(`timeWindow needs a minimumThroughput of 1 or more`);
  if (!(duration > 0 && duration < Infinity))
    throw new RangeError("timeWindow needs a finite samplingDuration");
  const name = `timeWindow(${percent(failureRatio)} within ${formatMs(duration)}, at least ${minimumThroughput})`;
  const slotAt = (now: number): { slot: number; slots: number } => ({
    slot: Math.floor((now * slots) / duration),
    slots,
  });
  const tallyOf = (calls: SlidingSum, failures: SlidingSum): Tally => ({
    name,
    after: (failed, now) =>
      tallyOf(addToSum(calls, 1, slotAt(now)), failed ? addToSum(failures, 1, slotAt(now)) : failures),
    trips: (now) => {
      const count = totalSum(calls, slotAt(now));
      return count >= minimumThroughput && totalSum(failures, slotAt(now)) >= failureRatio * count;
    },
  });
  return tallyOf(emptySum, emptySum);
}

function checkRatio(name: string, ratio: number): void {
  if (!(ratio > 0 && ratio <= 1))
    throw new RangeError(`${name} needs a failureRatio above 0, at most 1, got ${ratio}`);
}

function percent(ratio: number): string {
  return `${Number((ratio * 100).toFixed(2))} %`;
}
