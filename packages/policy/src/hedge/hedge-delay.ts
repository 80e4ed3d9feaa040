import { formatMs, toMs, type Duration } from "../clock/duration.ts";
import { addLatency, findQuantile, type Latencies } from "./latencies.ts";

/** How long a try may take before another is begun. Immutable: `after` gives what was learned from a further duration. */
export interface HedgeDelay {
  /** How it was made, for `explain`. */
  readonly name: string;
  /** In milliseconds; `Infinity` begins no other. */
  readonly delay: number;
  after(duration: number): HedgeDelay;
}

/** The same delay always. */
export function fixedDelay(duration: Duration): HedgeDelay {
  const delay = toMs(duration);
  const fixed: HedgeDelay = { name: formatMs(delay), delay, after: () => fixed };
  return fixed;
}

/** How many durations are remembered, and how many there must be before the first hedge. */
export interface Sampling {
  readonly window: number;
  readonly minimumThroughput: number;
}

/**
 * The delay that `quantile` of recent tries did not exceed.
 *
 * @throws RangeError unless 0 < quantile < 1 and 1 <= minimumThroughput <= window.
 */
export function learnedDelay(quantile: number, { window, minimumThroughput }: Sampling): HedgeDelay {
  if (!(quantile > 0 && quantile < 1))
    throw new RangeError(`hedge needs a quantile between 0 and 1, got ${quantile}`);
  if (!(minimumThroughput >= 1 && window >= minimumThroughput)) {
    throw new RangeError(
      `hedge needs 1 <= minimumThroughput <= window, got ${minimumThroughput} and ${window}`,
    );
  }
  const delayOf = (latencies: Latencies): HedgeDelay => ({
    name: `quantile ${quantile} of the last ${window}`,
    get delay() {
      return latencies.length < minimumThroughput ? Infinity : findQuantile(latencies, quantile);
    },
    after: (duration) => delayOf(addLatency(latencies, duration, window)),
  });
  return delayOf([]);
}
