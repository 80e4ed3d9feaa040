import { formatMs, toMs, type Duration } from "../clock/duration.ts";
import {
  checkBounds,
  type LimitBounds,
  type ConcurrencyLimit,
  type LoadSample,
} from "./concurrency-limit.ts";

export interface AimdOptions extends Partial<LimitBounds> {
  /** What a drop multiplies the limit by, from 0.5 to below 1. @default 0.9 */
  readonly backoffRatio?: number;
  /** A call that takes longer counts as dropped. @default "5s" */
  readonly timeout?: Duration;
}

/** The settings of an AIMD limit, with times in milliseconds. */
export interface AimdRule extends LimitBounds {
  readonly backoffRatio: number;
  readonly timeout: number;
}

/** What `aimd()` does when it is told nothing: Netflix's figures, but for the minimum, which is 20 there. */
export const aimdDefaults = { min: 1, max: 200, start: 20, backoffRatio: 0.9, timeout: "5s" } as const;

/**
 * A limit that grows by one with each call while at least half of it is used, and falls by a tenth with each drop:
 * additive increase, multiplicative decrease, as in TCP (Netflix concurrency-limits, `AIMDLimit`). It needs drops to
 * learn from, and asks nothing of latency.
 */
export function aimd(options: AimdOptions = {}): ConcurrencyLimit {
  const given = { ...aimdDefaults, ...options };
  const rule: AimdRule = { ...given, timeout: toMs(given.timeout) };
  checkBounds("aimd", rule);
  if (!(rule.backoffRatio >= 0.5 && rule.backoffRatio < 1)) {
    throw new RangeError(`aimd needs a backoffRatio from 0.5 to below 1, got ${rule.backoffRatio}`);
  }
  const name = `aimd(${rule.min}..${rule.max}, × ${rule.backoffRatio} when dropped or over ${formatMs(rule.timeout)})`;
  const limitOf = (limit: number): ConcurrencyLimit => ({
    name,
    limit,
    after: (sample) => limitOf(nextAimd(rule, limit, sample)),
  });
  return limitOf(rule.start);
}

/** The rule of AIMD: the limit after a call. */
export function nextAimd(rule: AimdRule, limit: number, { duration, inFlight, dropped }: LoadSample): number {
  const next =
    dropped || duration > rule.timeout
      ? Math.floor(limit * rule.backoffRatio)
      : inFlight * 2 >= limit
        ? limit + 1
        : limit;
  return Math.max(rule.min, Math.min(rule.max, next));
}
