import { formatMs, toMs, type Duration } from "../clock/duration.ts";
import { addLatency, findQuantile, type Latencies } from "./latencies.ts";

/** How long a call may take before another try starts. Immutable: `after` returns the delay after one more duration. */
export interface HedgeDelay {
  /** The delay and its settings, for `explain`. */
  readonly name: string;
  /** The delay in milliseconds. `Infinity` starts no further try. */
  readonly delay: number;
  after(duration: number): HedgeDelay;
}

/** Creates a delay that is always the same. */
export function fixedDelay(duration: Duration): HedgeDelay {
  const delay = toMs(duration);
  const fixed: HedgeDelay = { name: formatMs(delay), delay, after: () => fixed };
  return fixed;
}

/** How many durations are kept, and how many are needed before the first hedge. */
export interface Sampling {
  readonly window: number;
  readonly minimumThroughput: number;
}

/**
 * Creates a delay that learns: the duration that a share `quantile` of the recent calls did not exceed.
 *
 * @throws RangeError unless 0 < quantile < 1 and 1 <= minimumThroughput <= window.
 */
export function learnedDelay(quantile: number, { window, minimumThroughput }: Sampling): HedgeDelay {
  if (!(quantile > 0 && quantile < 1))
    throw new RangeError(`hedge needs a quantile above 0 and below 1, got ${quantile}`);
  if (!(minimumThroughput >= 1 && window >= minimumThroughput)) {
    throw new RangeError(
      `hedge needs 1 <= minimumThroughput <= window, got ${minimumThroughput} and ${window}`,
    );
  }
  const createDelay = (latencies: Latencies): HedgeDelay => ({
    name: `quantile ${quantile} of the last ${window}`,
    get delay() {
      return latencies.length < minimumThroughput ? Infinity : findQuantile(latencies, quantile);
    },
    after: (duration) => createDelay(addLatency(latencies, duration, window)),
  });
  return createDelay([]);
}
