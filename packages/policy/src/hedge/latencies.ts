/** The durations of the latest calls, in milliseconds, the oldest first. */
export type Latencies = readonly number[];

/** Adds a duration, and removes the oldest ones beyond `window`. */
export function addLatency(latencies: Latencies, duration: number, window: number): Latencies {
  return [...latencies.slice(Math.max(0, latencies.length + 1 - window)), duration];
}

/**
 * Returns the duration that a share `quantile` of the calls did not exceed. With 0.95, one call in twenty took longer. Uses
 * the nearest rank, so that the result is always a measured duration. Returns `Infinity` without measurements.
 */
export function findQuantile(latencies: Latencies, quantile: number): number {
  const sorted = latencies.toSorted((a, b) => a - b);
  const rank = Math.max(1, Math.ceil(quantile * sorted.length));
  return sorted[rank - 1] ?? Infinity;
}
