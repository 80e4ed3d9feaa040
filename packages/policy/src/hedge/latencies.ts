/** The durations of the latest calls, in milliseconds, the oldest first. */
export type Latencies = readonly number[];

/** Takes a further duration in, and forgets the oldest beyond `window`. */
export function addLatency(latencies: Latencies, duration: number, window: number): Latencies {
  return [...latencies.slice(Math.max(0, latencies.length + 1 - window)), duration];
}

/**
 * The duration that `quantile` of the calls did not exceed: 0.95 gives the one that one call in twenty exceeded. Nearest
 * rank, so that it is always one that occurred; `Infinity` of nothing.
 */
export function findQuantile(latencies: Latencies, quantile: number): number {
  const sorted = latencies.toSorted((a, b) => a - b);
  const rank = Math.max(1, Math.ceil(quantile * sorted.length));
  return sorted[rank - 1] ?? Infinity;
}
