import { type Random, randomBetween } from "../clock/random.ts";
import { formatMs, toMs, type Duration } from "../clock/duration.ts";
import { withName, combinedName } from "../support/strategy-name.ts";
import type { Attempt } from "../core/attempt.ts";

/**
 * Answers *how long?*: the milliseconds to wait after an attempt; what is not above 0 is no wait. Draws chance from
 * `random`, never from elsewhere.
 */
export type Wait<in T = unknown> = (attempt: Attempt<T>, random: Random) => number;

/** Does not wait. */
export const waitNone: Wait = withName("waitNone", () => 0);

/** Waits the same time after every attempt. */
export function waitFixed(delay: Duration): Wait {
  const ms = toMs(delay);
  return withName(`waitFixed(${formatMs(ms)})`, () => ms);
}

export interface RandomOptions {
  /** @default 0 */
  readonly min?: Duration;
  /** @default "1s" */
  readonly max?: Duration;
}

/** Waits anything from `min` to `max`, each as likely. */
export function waitRandom({ min = 0, max = "1s" }: RandomOptions = {}): Wait {
  const low = toMs(min);
  const high = toMs(max);
  return withName(`waitRandom(${formatMs(low)}..${formatMs(high)})`, (_attempt, random) =>
    randomBetween(low, high, random),
  );
}

export interface IncrementingOptions {
  /** The wait after the first attempt; may be a negative number. @default 0 */
  readonly start?: Duration;
  /** Added with each attempt; may be a negative number. @default "100s" */
  readonly increment?: Duration;
  /** @default Infinity */
  readonly max?: Duration;
}

/** Waits `start`, then `increment` more after each attempt, within 0 and `max`. */
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

export interface ExponentialOptions {
  /** The wait after the first attempt, before the bounds. @default "1s" */
  readonly multiplier?: Duration;
  /** What each wait grows by. @default 2 */
  readonly base?: number;
  /** @default 0 */
  readonly min?: Duration;
  /** @default Infinity */
  readonly max?: Duration;
}

/** Waits `multiplier` · `base`^(n−1) after attempt n, within `min` and `max`. */
export function waitExponential(options: ExponentialOptions = {}): Wait {
  const curve = exponential(options);
  return withName(`waitExponential(${curve.name})`, ({ number }) => Math.max(curve.min, curve.at(number)));
}

/** Waits anything from `min` to what `waitExponential` would: AWS's *full jitter*. */
export function waitRandomExponential(options: ExponentialOptions = {}): Wait {
  const curve = exponential(options);
  return withName(`waitRandomExponential(${curve.name})`, ({ number }, random) =>
    randomBetween(curve.min, Math.max(curve.min, curve.at(number)), random),
  );
}

export interface ExponentialJitterOptions extends ExponentialOptions {
  /** The most that is added to each wait at random. @default "1s" */
  readonly jitter?: Duration;
}

/** Waits `multiplier` · `base`^(n−1) and up to `jitter` more, the sum within `min` and `max`. */
export function waitExponentialJitter({ jitter = "1s", ...options }: ExponentialJitterOptions = {}): Wait {
  const curve = exponential(options);
  const most = toMs(jitter);
  return withName(`waitExponentialJitter(${curve.name}, jitter ${formatMs(most)})`, ({ number }, random) =>
    Math.max(curve.min, Math.min(curve.at(number) + random() * most, curve.max)),
  );
}

/** Uses one strategy after each attempt in turn, and the last one ever after. */
export function waitChain<T = unknown>(...strategies: readonly Wait<T>[]): Wait<T> {
  if (strategies.length === 0) throw new RangeError("waitChain needs at least one strategy");
  return withName(combinedName("waitChain", strategies), (attempt, random) => {
    const turn = strategies[Math.min(attempt.number, strategies.length) - 1];
    return turn === undefined ? 0 : turn(attempt, random);
  });
}

/** Waits the sum of what the strategies say. */
export function waitCombine<T = unknown>(...strategies: readonly Wait<T>[]): Wait<T> {
  return withName(combinedName("waitCombine", strategies), (attempt, random) =>
    strategies.reduce((sum, wait) => sum + wait(attempt, random), 0),
  );
}

/** Waits what the failure itself says: milliseconds read from the error; 0 after a result (tenacity's `wait_exception`). */
export function waitFromError(read: (error: unknown) => number): Wait {
  return withName("waitFromError", ({ outcome }) => (outcome.ok ? 0 : read(outcome.error)));
}

function exponential(options: ExponentialOptions): {
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
  // Infinity · 0 is NaN: a curve that starts at nothing stays there.
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
