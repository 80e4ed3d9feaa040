import { formatMs, toMs, type Duration } from "../clock/duration.ts";
import {
  checkBounds,
  type LimitBounds,
  type ConcurrencyLimit,
  type LoadSample,
} from "./concurrency-limit.ts";

/** The options of `aimd`. */
export interface AimdOptions extends Partial<LimitBounds> {
  /** A dropped call multiplies the limit by this factor, from 0.5 to below 1. @default 0.9 */
  readonly backoffRatio?: number;
  /** A call that takes longer counts as dropped. @default "5s" */
  readonly timeout?: Duration;
}

/** The settings of an AIMD limit, with times in milliseconds. */
export interface AimdRule extends LimitBounds {
  readonly backoffRatio: number;
  readonly timeout: number;
}

/** The defaults of `aimd`: the values of Netflix, except the minimum, which is 20 there. */
export const aimdDefaults = { min: 1, max: 200, start: 20, backoffRatio: 0.9, timeout: "5s" } as const;

/**
 * Creates a limit with additive increase and multiplicative decrease, as in TCP (Netflix concurrency-limits, `AIMDLimit`).
 * It grows by one with each call while at least half of it is used, and falls by a tenth with each dropped call. It
 * learns from dropped calls only and ignores latency.
 *
 * @throws RangeError for a `backoffRatio` outside 0.5 to 1, or bounds other than 1 <= min <= start <= max.
 */
export function aimd(options: AimdOptions = {}): ConcurrencyLimit {
  const given = { ...aimdDefaults, ...options };
  const rule: AimdRule = { ...given, timeout: toMs(given.timeout) };
  checkBounds("aimd", rule);
  if (!(rule.backoffRatio >= 0.5 && rule.backoffRatio < 1)) {
    throw new RangeError(`aimd needs a backoffRatio from 0.5 to below 1, got ${rule.backoffRatio}`);
  }
  const name = `aimd(${rule.min}..${rule.max}, × ${rule.backoffRatio} when dropped or over ${formatMs(rule.timeout)})`;
  const createLimit = (limit: number): ConcurrencyLimit => ({
    name,
    limit,
    after: (sample) => createLimit(nextAimd(rule, limit, sample)),
  });
  return createLimit(rule.start);
}

/** Returns the limit after a call: the rule of AIMD. */
export function nextAimd(rule: AimdRule, limit: number, { duration, inFlight, dropped }: LoadSample): number {
  const next =
    dropped || duration > rule.timeout
      ? Math.floor(limit * rule.backoffRatio)
      : inFlight * 2 >= limit
        ? limit + 1
        : limit;
  return Math.max(rule.min, Math.min(rule.max, next));
}
