/** An exponential moving average. Over its first samples it is a plain average. */
export interface MovingAverage {
  readonly value: number;
  /** Number of samples, counted up to the end of the warm-up. */
  readonly count: number;
}

/** An average without samples. */
export const emptyAverage: MovingAverage = { value: 0, count: 0 };

// Netflix concurrency-limits, ExpAvgMeasurement(600, 10).
const warmup = 10;

/** Adds a sample to an average over about `window` samples. */
export function addSample({ value, count }: MovingAverage, sample: number, window: number): MovingAverage {
  if (count < warmup) return { value: (value * count + sample) / (count + 1), count: count + 1 };
  const weight = 2 / (window + 1);
  return { value: value * (1 - weight) + sample * weight, count };
}
