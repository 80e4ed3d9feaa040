import { formatMs, toMs, type Duration } from "../clock/duration.ts";
import { addToSum, emptySum, totalSum, type SlidingSum } from "../support/sliding-sum.ts";

/**
 * Counts the results of a closed circuit and decides when the circuit opens. Immutable: `after` returns the next tally.
 * `now` is milliseconds of `clock.now()`.
 */
export interface FailureTally {
  /** The tally and its settings, for `explain`. */
  readonly name: string;
  /** Returns the tally after one more result. */
  after(failed: boolean, now: number): FailureTally;
  /** Returns whether the circuit opens. */
  trips(now: number): boolean;
}

/** Creates a tally that opens the circuit after `threshold` failures in a row. */
export function consecutive(threshold: number): FailureTally {
  if (!(threshold >= 1)) throw new RangeError(`consecutive needs a threshold of 1 or more, got ${threshold}`);
  return consecutiveTally(threshold, 0);
}

function consecutiveTally(threshold: number, failures: number): FailureTally {
  const tally: FailureTally = {
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

/** The options of `countWindow`. */
export interface CountWindowOptions {
  /** Share of failures that opens the circuit, above 0 and at most 1. @default 0.5 */
  readonly failureRatio?: number;
  /** Minimum number of results before the circuit can open. @default 20 */
  readonly minimumThroughput?: number;
  /** Number of latest results that count. @default 100 */
  readonly size?: number;
}

/** Creates a tally that opens the circuit when at least `failureRatio` of the latest `size` results are failures. */
export function countWindow(options: CountWindowOptions = {}): FailureTally {
  const { failureRatio = 0.5, minimumThroughput = 20, size = 100 } = options;
  checkRatio("countWindow", failureRatio);
  if (!(minimumThroughput >= 1 && size >= minimumThroughput)) {
    throw new RangeError(
      `countWindow needs 1 <= minimumThroughput <= size, got ${minimumThroughput} and ${size}`,
    );
  }
  const name = `countWindow(${percent(failureRatio)} of the last ${size}, at least ${minimumThroughput})`;
  const createTally = (results: readonly boolean[]): FailureTally => ({
    name,
    after: (failed) => createTally([...results.slice(results.length < size ? 0 : 1), failed]),
    trips: () => {
      const failures = results.filter(Boolean).length;
      return results.length >= minimumThroughput && failures >= failureRatio * results.length;
    },
  });
  return createTally([]);
}

/** The options of `timeWindow`. */
export interface TimeWindowOptions {
  /** Share of failures that opens the circuit, above 0 and at most 1. @default 0.5 */
  readonly failureRatio?: number;
  /** Minimum number of results before the circuit can open. @default 20 */
  readonly minimumThroughput?: number;
  /** How long a result counts. @default "30s" */
  readonly samplingDuration?: Duration;
}

const slots = 10;

/** Creates a tally that opens the circuit when at least `failureRatio` of the results within `samplingDuration` are failures. */
export function timeWindow(options: TimeWindowOptions = {}): FailureTally {
  const { failureRatio = 0.5, minimumThroughput = 20, samplingDuration = "30s" } = options;
  const duration = toMs(samplingDuration);
  checkRatio("timeWindow", failureRatio);
  if (!(minimumThroughput >= 1))
    throw new RangeError(`timeWindow needs a minimumThroughput of 1 or more, got ${minimumThroughput}`);
  if (!(duration > 0 && duration < Infinity))
    throw new RangeError(`timeWindow needs a finite samplingDuration above 0, got ${samplingDuration}`);
  const name = `timeWindow(${percent(failureRatio)} within ${formatMs(duration)}, at least ${minimumThroughput})`;
  const slotAt = (now: number): { slot: number; slots: number } => ({
    slot: Math.floor((now * slots) / duration),
    slots,
  });
  const createTally = (calls: SlidingSum, failures: SlidingSum): FailureTally => ({
    name,
    after: (failed, now) =>
      createTally(addToSum(calls, 1, slotAt(now)), failed ? addToSum(failures, 1, slotAt(now)) : failures),
    trips: (now) => {
      const count = totalSum(calls, slotAt(now));
      return count >= minimumThroughput && totalSum(failures, slotAt(now)) >= failureRatio * count;
    },
  });
  return createTally(emptySum, emptySum);
}

function checkRatio(name: string, ratio: number): void {
  if (!(ratio > 0 && ratio <= 1))
    throw new RangeError(`${name} needs a failureRatio above 0 and at most 1, got ${ratio}`);
}

function percent(ratio: number): string {
  return `${Number((ratio * 100).toFixed(2))} %`;
}
