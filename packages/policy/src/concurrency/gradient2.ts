import { addSample, emptyAverage, type MovingAverage } from "./moving-average.ts";
import {
  checkBounds,
  type LimitBounds,
  type ConcurrencyLimit,
  type LoadSample,
} from "./concurrency-limit.ts";

export interface Gradient2Options extends Partial<LimitBounds> {
  /** How much slower than usual is still no sign of load. @default 1.5 */
  readonly tolerance?: number;
  /** How many calls beyond the limit may queue at the other end, which is how it grows. @default 4 */
  readonly queueSize?: number;
  /** How much of a new limit is taken over at once. @default 0.2 */
  readonly smoothing?: number;
  /** Over how many calls the usual latency is averaged. @default 600 */
  readonly longWindow?: number;
}

/** The settings of a Gradient2 limit. */
export type Gradient2Rule = Required<Gradient2Options>;

/** What a Gradient2 limit remembers. */
export interface Gradient2State {
  readonly limit: number;
  /** The usual duration. */
  readonly usual: MovingAverage;
}

/** What `gradient2()` does when it is told nothing: Netflix's figures, but for the minimum, which is 20 there. */
export const gradient2Defaults: Gradient2Rule = {
  min: 1,
  max: 200,
  start: 20,
  tolerance: 1.5,
  queueSize: 4,
  smoothing: 0.2,
  longWindow: 600,
};

/**
 * A limit that shrinks when calls take longer than usual and grows while they don't (Netflix concurrency-limits,
 * `Gradient2Limit`). Sample the time to the first byte where size decides the rest. Unlike Netflix's it also heeds drops:
 * one takes a tenth off, and its duration, as short as a refusal's may be, is not learned.
 */
export function gradient2(options: Gradient2Options = {}): ConcurrencyLimit {
  const rule: Gradient2Rule = { ...gradient2Defaults, ...options };
  checkBounds("gradient2", rule);
  if (!(rule.tolerance >= 1 && rule.queueSize >= 0 && rule.smoothing > 0 && rule.smoothing <= 1)) {
    throw new RangeError("gradient2 needs tolerance >= 1, queueSize >= 0 and 0 < smoothing <= 1");
  }
  const name = `gradient2(${rule.min}..${rule.max}, tolerance ${rule.tolerance})`;
  const limitOf = (state: Gradient2State): ConcurrencyLimit => ({
    name,
    limit: state.limit,
    after: (sample) => limitOf(nextGradient2(rule, state, sample)),
  });
  return limitOf({ limit: rule.start, usual: emptyAverage });
}

/** The rule of Gradient2: the limit after a call. */
export function nextGradient2(
  rule: Gradient2Rule,
  state: Gradient2State,
  sample: LoadSample,
): Gradient2State {
  const { limit } = state;
  if (sample.dropped) return { ...state, limit: clamp(rule, limit * 0.9) };
  const learned = addSample(state.usual, sample.duration, rule.longWindow);
  const ratio = learned.value / sample.duration;
  // After a slow time what was usual is too much: it comes down faster than the average alone would.
  const usual = ratio > 2 ? { ...learned, value: learned.value * 0.95 } : learned;
  // A limit that is not used says nothing about what it could be.
  if (sample.inFlight < limit / 2) return { limit, usual };
  const gradient = Math.max(0.5, Math.min(1, (rule.tolerance * usual.value) / sample.duration));
  const wanted = limit * gradient + rule.queueSize;
  return { limit: clamp(rule, limit * (1 - rule.smoothing) + wanted * rule.smoothing), usual };
}

function clamp({ min, max }: LimitBounds, limit: number): number {
  return Math.max(min, Math.min(max, limit));
}
