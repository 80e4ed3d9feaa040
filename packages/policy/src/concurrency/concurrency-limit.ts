/** What one call tells about the load: how long it took, how many ran when it began (itself included), and its fate. */
export interface LoadSample {
  /** In milliseconds, above 0. */
  readonly duration: number;
  readonly inFlight: number;
  /** The thing called was too busy: it refused, or did not answer in time. */
  readonly dropped: boolean;
}

/** A limit on concurrency that learns. Immutable: `after` gives the next one. */
export interface ConcurrencyLimit {
  /** How it was made, for `explain`. */
  readonly name: string;
  /** How many calls may run at once; whole calls fit below it. */
  readonly limit: number;
  /** The limit after a further call. */
  after(sample: LoadSample): ConcurrencyLimit;
}

/** Within which bounds a limit moves, and from where. */
export interface LimitBounds {
  /** The least it falls to, at least 1. */
  readonly min: number;
  /** The most it grows to. */
  readonly max: number;
  /** Where it begins. */
  readonly start: number;
}

/** Checks bounds, for a limit called `name`. */
export function checkBounds(name: string, { min, max, start }: LimitBounds): void {
  if (min >= 1 && start >= min && max >= start) return;
  throw new RangeError(`${name} needs 1 <= min <= start <= max, got ${min}, ${start} and ${max}`);
}
