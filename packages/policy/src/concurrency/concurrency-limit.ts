/** The measurements of one call, from which a limit learns. */
export interface LoadSample {
  /** Duration of the call in milliseconds, above 0. */
  readonly duration: number;
  /** How many calls ran when this one started, itself included. */
  readonly inFlight: number;
  /** Whether the called service was overloaded: it rejected the call or did not respond in time. */
  readonly dropped: boolean;
}

/** A limit on concurrency that learns. Immutable: `after` returns the next limit. */
export interface ConcurrencyLimit {
  /** The limit and its settings, for `explain`. */
  readonly name: string;
  /** How many calls may run at the same time. A fraction is rounded down. */
  readonly limit: number;
  /** Returns the limit after one more call. */
  after(sample: LoadSample): ConcurrencyLimit;
}

/** The range of a limit and its first value. */
export interface LimitBounds {
  /** Lowest limit, at least 1. */
  readonly min: number;
  /** Highest limit. */
  readonly max: number;
  /** First limit. */
  readonly start: number;
}

/** Validates the bounds of the limit called `name`. */
export function checkBounds(name: string, { min, max, start }: LimitBounds): void {
  if (min >= 1 && start >= min && max >= start) return;
  throw new RangeError(`${name} needs 1 <= min <= start <= max, got ${min}, ${start} and ${max}`);
}
