export {
  breaker,
  breakerDefaults,
  type Breaker,
  type BreakerJudgement,
  type BreakerOptions,
  type Isolation,
} from "./breaker/breaker.ts";
export type { BreakerSnapshot } from "./breaker/snapshot.ts";
export * from "./breaker/tally.ts";
export { type RetryBudget, unlimited } from "./budget/budget.ts";
export {
  retryBudget,
  retryBudgetDefaults,
  type RetryBudgetOptions,
  type SlidingBudget,
} from "./budget/retry-budget.ts";
export { bulkhead, bulkheadDefaults, type Bulkhead, type BulkheadOptions } from "./bulkhead/bulkhead.ts";
export { type Clock, type Random, sleepBy, startTimer, systemClock, systemRandom } from "./clock/clock.ts";
export { compose, type Composed } from "./compose/compose.ts";
export { explain } from "./compose/explain.ts";
export {
  adaptiveConcurrency,
  adaptiveConcurrencyDefaults,
  type AdaptiveConcurrency,
  type AdaptiveConcurrencyOptions,
  type LoadJudgement,
} from "./concurrency/adaptive-concurrency.ts";
export { aimd, aimdDefaults, type AimdOptions } from "./concurrency/aimd.ts";
export { gradient2, gradient2Defaults, type Gradient2Options } from "./concurrency/gradient2.ts";
export type { Limit, Sample } from "./concurrency/concurrency-limit.ts";
export { type Context, type Scope, scopeOf, scopeWithin } from "./core/context.ts";
export { type Duration, formatMs, isDuration, toMs } from "./clock/duration.ts";
export * from "./core/errors.ts";
export type { Listener, PolicyEvent } from "./core/events.ts";
export {
  fallback,
  type FallbackOptions,
  type FallbackToTask,
  type FallbackToValue,
} from "./fallback/fallback.ts";
export {
  type FixedHedgeOptions,
  hedge,
  hedgeDefaults,
  type HedgeOptions,
  type LearnedHedgeOptions,
} from "./hedge/hedge.ts";
export type { Judge } from "./core/classifier.ts";
export { failed, type Outcome, succeeded, unwrap } from "./core/outcome.ts";
export { plan, type Plan, type PlannedWait, type PlanOptions, type Rehearsal } from "./plan/plan.ts";
export type { AnyPolicy, Explanation, Policy, Task } from "./core/policy.ts";
export { type Rate, givenBack, nextTurn, type Turn } from "./rate/gcra.ts";
export { rateLimit, type RateLimitOptions } from "./rate/rate-limit.ts";
export { isSecretHeader, redact } from "./support/redact.ts";
export type { Attempt } from "./core/attempt.ts";
export type { AttemptRun } from "./retry/attempt-iterator.ts";
export * from "./retry/jitter.ts";
export { afterLog, beforeLog, beforeSleepLog, type Logger, type LogLevel } from "./retry/log.ts";
export { type Callback, retryDefaults, type RetryOptions, type RetryRule } from "./retry/options.ts";
export { retry, type RetryPolicy } from "./retry/retry.ts";
export { type RetryStatistics, statistics, type Statistics } from "./retry/statistics.ts";
export * from "./retry/stop.ts";
export * from "./retry/wait.ts";
export * from "./retry/when.ts";
export { timeout, type TimeoutPolicyOptions } from "./timeout/timeout.ts";
