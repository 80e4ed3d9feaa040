import { type Random, randomBetween } from "../clock/random.ts";
import { formatMs, toMs, type Duration } from "../clock/duration.ts";
import { withName, combinedName } from "../support/strategy-name.ts";
import type { Attempt } from "../core/attempt.ts";

/**
 * Returns the milliseconds to wait after an attempt. A result of 0 or less is no wait. A strategy draws random numbers only
 * from `random`, so that tests can repeat them.
 */
export type Wait<in T = unknown> = (attempt: Attempt<T>, random: Random) => number;

/** Does not wait. */
export const waitNone: Wait = withName("waitNone", () => 0);

/** Waits the same time after every attempt. */
export function waitFixed(delay: Duration): Wait {
  const ms = toMs(delay);
  return withName(`waitFixed(${formatMs(ms)})`, () => ms);
}

/** The options of `waitRandom`. */
export interface RandomOptions {
  /** Shortest wait. @default 0 */
  readonly min?: Duration;
  /** Longest wait. @default "1s" */
  readonly max?: Duration;
}

/** Waits a random time from `min` to `max`, all equally likely. */
export function waitRandom({ min = 0, max = "1s" }: RandomOptions = {}): Wait {
  const low = toMs(min);
  const high = toMs(max);
  return withName(`waitRandom(${formatMs(low)}..${formatMs(high)})`, (_attempt, random) =>
    randomBetween(low, high, random),
  );
}

/** The options of `waitIncrementing`. */
export interface IncrementingOptions {
  /** Wait after the first attempt. May be a negative number. @default 0 */
  readonly start?: Duration;
  /** Added after each attempt. May be a negative number. @default "100s" */
  readonly increment?: Duration;
  /** Longest wait. @default Infinity */
  readonly max?: Duration;
}

/** Waits `start`, then `increment` more after each attempt, but at least 0 and at most `max`. */
export function waitIncrementing({
  start = 0,
  increment = "100s",
  max = Infinity,
}: IncrementingOptions = {}): Wait {
  const first = signedMs(start);
  const step = signedMs(increment);
  const high = toMs(max);
  return withName(
    `waitIncrementing(${first} ms, ${step} ms more each, max ${formatMs(high)})`,
    ({ number }) => Math.max(0, Math.min(first + step * (number - 1), high)),
  );
}

/** The options of `waitExponential` and `waitRandomExponential`. */
export interface ExponentialOptions {
  /** Wait after the first attempt, before `min` and `max` apply. @default "1s" */
  readonly multiplier?: Duration;
  /** Factor by which each wait grows. @default 2 */
  readonly base?: number;
  /** Shortest wait. @default 0 */
  readonly min?: Duration;
  /** Longest wait. @default Infinity */
  readonly max?: Duration;
}

/** Waits `multiplier` · `base`^(n−1) after attempt n, but at least `min` and at most `max`. */
export function waitExponential(options: ExponentialOptions = {}): Wait {
  const curve = createCurve(options);
  return withName(`waitExponential(${curve.name})`, ({ number }) => Math.max(curve.min, curve.at(number)));
}

/** Waits a random time from `min` to the delay of `waitExponential`: AWS's *full jitter*. */
export function waitRandomExponential(options: ExponentialOptions = {}): Wait {
  const curve = createCurve(options);
  return withName(`waitRandomExponential(${curve.name})`, ({ number }, random) =>
    randomBetween(curve.min, Math.max(curve.min, curve.at(number)), random),
  );
}

/** The options of `waitExponentialJitter`. */
export interface ExponentialJitterOptions extends ExponentialOptions {
  /** Longest random time that is added to each wait. @default "1s" */
  readonly jitter?: Duration;
}

/** Waits `multiplier` · `base`^(n−1) plus a random time up to `jitter`, but at least `min` and at most `max`. */
export function waitExponentialJitter({ jitter = "1s", ...options }: ExponentialJitterOptions = {}): Wait {
  const curve = createCurve(options);
  const maxJitter = toMs(jitter);
  return withName(
    `waitExponentialJitter(${curve.name}, jitter ${formatMs(maxJitter)})`,
    ({ number }, random) => Math.max(curve.min, Math.min(curve.at(number) + random() * maxJitter, curve.max)),
  );
}

/** Uses the first strategy after the first attempt, the second after the second, and so on. Then repeats the last one. */
export function waitChain<T = unknown>(...strategies: readonly Wait<T>[]): Wait<T> {
  if (strategies.length === 0) throw new RangeError("waitChain needs at least one strategy");
  return withName(combinedName("waitChain", strategies), (attempt, random) => {
    const strategy = strategies[Math.min(attempt.number, strategies.length) - 1];
    return strategy === undefined ? 0 : strategy(attempt, random);
  });
}

/** Waits the sum of the delays of all strategies. */
export function waitCombine<T = unknown>(...strategies: readonly Wait<T>[]): Wait<T> {
  return withName(combinedName("waitCombine", strategies), (attempt, random) =>
    strategies.reduce((sum, wait) => sum + wait(attempt, random), 0),
  );
}

/** Waits the milliseconds that `read` returns for the error, and 0 after a result (tenacity's `wait_exception`). */
export function waitFromError(read: (error: unknown) => number): Wait {
  return withName("waitFromError", ({ outcome }) => (outcome.ok ? 0 : read(outcome.error)));
}

function createCurve(options: ExponentialOptions): {
  name: string;
  min: number;
  max: number;
  at: (number: number) => number;
} {
  const { base = 2 } = options;
  if (!(base >= 0)) throw new RangeError(`An exponential wait needs a base of 0 or more, got ${base}`);
  const multiplier = toMs(options.multiplier ?? "1s");
  const min = toMs(options.min ?? 0);
  const max = toMs(options.max ?? Infinity);
  const name = `${formatMs(multiplier)} · ${base}^(n-1), ${formatMs(min)}..${formatMs(max)}`;
  // A multiplier of 0 always gives 0, also where the power is Infinity and the product would be NaN.
  return {
    name,
    min,
    max,
    at: (number) => (multiplier === 0 ? 0 : Math.min(multiplier * base ** (number - 1), max)),
  };
}

function signedMs(duration: Duration): number {
  return typeof duration === "number" && duration < 0 ? -toMs(-duration) : toMs(duration);
}
