import { addSample, emptyAverage, type MovingAverage } from "./moving-average.ts";
import {
  checkBounds,
  type LimitBounds,
  type ConcurrencyLimit,
  type LoadSample,
} from "./concurrency-limit.ts";

/** The options of `gradient2`. */
export interface Gradient2Options extends Partial<LimitBounds> {
  /** How much slower than usual a call may be before the limit shrinks. @default 1.5 */
  readonly tolerance?: number;
  /** How many calls may queue in the called service; the limit grows by this number. @default 4 */
  readonly queueSize?: number;
  /** Weight of a new limit against the current one, above 0 and at most 1. @default 0.2 */
  readonly smoothing?: number;
  /** Number of calls over which the usual latency is averaged. @default 600 */
  readonly longWindow?: number;
}

/** The settings of a Gradient2 limit. */
export type Gradient2Rule = Required<Gradient2Options>;

/** The state of a Gradient2 limit. */
export interface Gradient2State {
  readonly limit: number;
  /** The usual duration of a call, in milliseconds. */
  readonly usual: MovingAverage;
}

/** The defaults of `gradient2`: the values of Netflix, except the minimum, which is 20 there. */
export const gradient2Defaults: Required<Gradient2Options> = {
  min: 1,
  max: 200,
  start: 20,
  tolerance: 1.5,
  queueSize: 4,
  smoothing: 0.2,
  longWindow: 600,
};

/**
 * Creates a limit that shrinks when calls take longer than usual and otherwise grows (Netflix concurrency-limits,
 * `Gradient2Limit`). If the size of a response dominates its duration, let the task end at the first byte. Unlike
 * Netflix's, this limit also reacts to dropped calls: each one reduces it by a tenth. Their durations are not learned,
 * because a rejected call can be very short.
 *
 * @throws RangeError for settings outside their ranges, or bounds other than 1 <= min <= start <= max.
 */
export function gradient2(options: Gradient2Options = {}): ConcurrencyLimit {
  const rule: Gradient2Rule = { ...gradient2Defaults, ...options };
  checkBounds("gradient2", rule);
  if (!(rule.tolerance >= 1 && rule.queueSize >= 0 && rule.smoothing > 0 && rule.smoothing <= 1)) {
    const { tolerance, queueSize, smoothing } = rule;
    throw new RangeError(
      `gradient2 needs tolerance >= 1, queueSize >= 0 and 0 < smoothing <= 1, got ${tolerance}, ${queueSize} and ${smoothing}`,
    );
  }
  const name = `gradient2(${rule.min}..${rule.max}, tolerance ${rule.tolerance})`;
  const createLimit = (state: Gradient2State): ConcurrencyLimit => ({
    name,
    limit: state.limit,
    after: (sample) => createLimit(nextGradient2(rule, state, sample)),
  });
  return createLimit({ limit: rule.start, usual: emptyAverage });
}

/** Returns the state after a call: the rule of Gradient2. */
export function nextGradient2(
  rule: Gradient2Rule,
  state: Gradient2State,
  sample: LoadSample,
): Gradient2State {
  const { limit } = state;
  if (sample.dropped) return { ...state, limit: clamp(rule, limit * 0.9) };
  const learned = addSample(state.usual, sample.duration, rule.longWindow);
  const ratio = learned.value / sample.duration;
  // After a slow period the usual duration is too high. Lower it faster than the average alone would.
  const usual = ratio > 2 ? { ...learned, value: learned.value * 0.95 } : learned;
  // The limit was not used, so this call does not show whether it could be higher.
  if (sample.inFlight < limit / 2) return { limit, usual };
  const gradient = Math.max(0.5, Math.min(1, (rule.tolerance * usual.value) / sample.duration));
  const wanted = limit * gradient + rule.queueSize;
  return { limit: clamp(rule, limit * (1 - rule.smoothing) + wanted * rule.smoothing), usual };
}

function clamp({ min, max }: LimitBounds, limit: number): number {
  return Math.max(min, Math.min(max, limit));
}
