export {
  breaker,
  type Breaker,
  type BreakerClassification,
  breakerDefaults,
  type BreakerOptions,
  type CircuitState,
  type Isolation,
} from "./breaker/breaker.ts";
export type { BreakerSnapshot } from "./breaker/snapshot.ts";
export {
  consecutive,
  countWindow,
  type CountWindowOptions,
  type FailureTally,
  timeWindow,
  type TimeWindowOptions,
} from "./breaker/failure-tally.ts";
export {
  type RetryBudget,
  retryBudget,
  retryBudgetDefaults,
  type RetryBudgetOptions,
  type SlidingBudget,
  unlimited,
} from "./budget/retry-budget.ts";
export { bulkhead, type Bulkhead, bulkheadDefaults, type BulkheadOptions } from "./bulkhead/bulkhead.ts";
export { type Clock, systemClock } from "./clock/clock.ts";
export type { Duration, DurationUnit } from "./clock/duration.ts";
export { type Random, systemRandom } from "./clock/random.ts";
export { compose, type Composed, type PolicyTypes, type Wrapped } from "./compose/compose.ts";
export { explain } from "./compose/explain.ts";
export {
  adaptiveConcurrency,
  type AdaptiveConcurrency,
  adaptiveConcurrencyDefaults,
  type AdaptiveConcurrencyOptions,
  type LoadClassification,
} from "./concurrency/adaptive-concurrency.ts";
export { aimd, aimdDefaults, type AimdOptions } from "./concurrency/aimd.ts";
export type { ConcurrencyLimit, LimitBounds, LoadSample } from "./concurrency/concurrency-limit.ts";
export { gradient2, gradient2Defaults, type Gradient2Options } from "./concurrency/gradient2.ts";
export type { Attempt } from "./core/attempt.ts";
export type { Classifier } from "./core/classifier.ts";
export type { Context, Scope } from "./core/context.ts";
export {
  BulkheadFullError,
  CircuitOpenError,
  DeadlineExceededError,
  type GiveUpReason,
  HoldfastError,
  RateLimitedError,
  RejectedError,
  RetryError,
  type RetryErrorOptions,
  TimeoutError,
  TryAgain,
} from "./core/errors.ts";
export type { Listener, PolicyEvent } from "./core/events.ts";
export { failed, type Outcome, succeeded } from "./core/outcome.ts";
export type { AnyPolicy, Explanation, Policy, Task } from "./core/policy.ts";
export {
  fallback,
  type FallbackOptions,
  type FallbackSharedOptions,
  type FallbackToTask,
  type FallbackToValue,
} from "./fallback/fallback.ts";
export {
  type FixedHedgeOptions,
  hedge,
  hedgeDefaults,
  type HedgeOptions,
  type HedgeSharedOptions,
  type LearnedHedgeOptions,
} from "./hedge/hedge.ts";
export { plan, type Plan, type PlannedCall, type PlannedWait, type PlanOptions } from "./plan/plan.ts";
export { rateLimit, type RateLimitOptions } from "./rate/rate-limit.ts";
export type { AttemptRun } from "./retry/attempt-iterator.ts";
export { decorrelatedJitter, equalJitter, fullJitter, proportionalJitter } from "./retry/jitter.ts";
export { afterLog, beforeLog, beforeSleepLog, type Logger, type LogLevel } from "./retry/log.ts";
export { type Callback, retryDefaults, type RetryOptions, type RetryRule } from "./retry/options.ts";
export type { RetryProgress } from "./retry/progress.ts";
export { retry, type RetryPolicy } from "./retry/retry.ts";
export { type RetryStatistics, statistics, type Statistics } from "./retry/statistics.ts";
export {
  type Stop,
  stopAfterAttempt,
  stopAfterDelay,
  stopAll,
  stopAny,
  stopBeforeDelay,
  stopNever,
  stopWhenAborted,
} from "./retry/stop.ts";
export {
  type ExponentialJitterOptions,
  type ExponentialOptions,
  type IncrementingOptions,
  type RandomOptions,
  type Wait,
  waitChain,
  waitCombine,
  waitExponential,
  waitExponentialJitter,
  waitFixed,
  waitFromError,
  waitIncrementing,
  waitNone,
  waitRandom,
  waitRandomExponential,
} from "./retry/wait.ts";
export {
  type ErrorClass,
  type ErrorTest,
  retryAll,
  retryAlways,
  retryAny,
  retryIfError,
  retryIfErrorCause,
  retryIfErrorMessage,
  retryIfNotError,
  retryIfNotErrorMessage,
  retryIfNotResult,
  retryIfResult,
  retryNever,
  retryUnlessError,
  type When,
} from "./retry/when.ts";
export { redact } from "./support/redact.ts";
export { timeout, type TimeoutPolicyOptions } from "./timeout/timeout.ts";
