// The entry for the other packages of this repository. It is not documented and may change in any release.
export { sleepWithTimer, startTimer } from "../clock/clock.ts";
export { formatMs, isDuration, toMs } from "../clock/duration.ts";
export { idempotentMethods } from "../support/idempotent-methods.ts";
export { stripRootDot } from "../support/root-dot.ts";
export { isSecretHeader, isSecretParameter } from "../support/redact.ts";
export { checkOptions, type OptionTypes } from "../support/check-options.ts";
export { brandClass, isBranded, isOwnInstance, type BrandedClass } from "../support/brand.ts";
export { noProgress } from "../retry/progress.ts";
export { runRetry } from "../retry/retry-loop.ts";
export { executeSuspendable, isRetryProgress, type Suspension } from "../retry/suspension.ts";
export { suggest } from "../support/suggest.ts";
export { ownValue } from "../support/own-value.ts";
export { shorten } from "../support/shorten.ts";
export { findSpaceProblem, removeComment } from "../support/url-text.ts";
