import { isDuration } from "@holdfast/policy/internal";
import {
  aFunction,
  duration,
  flag,
  isFunction,
  isObject,
  isToken,
  kind,
  listOf,
  options,
  type Check,
} from "../support/validate.ts";
import type { RetryInit } from "./options.ts";

const counter = kind({
  wanted: "a whole number, Infinity, true, false or null",
  fits: (value) =>
    value === null || typeof value === "boolean" || Number.isInteger(value) || value === Infinity,
  type: "number",
});

function functionOrNull(example: string): Check {
  return kind({
    wanted: `a function, such as ${example}, or null for none`,
    fits: (value) => value === null || isFunction(value),
  });
}

const jitter = kind({
  wanted: '"full", milliseconds, 0 or more, or a string such as "1s"',
  fits: isDuration,
  type: "number",
});

/** A list. Its members are checked when they are read, since some iterables can be read only once. */
function iterable(wanted: string, otherValues: readonly unknown[] = []): Check {
  return kind({
    wanted,
    fits: (value) => otherValues.includes(value) || (isObject(value) && Symbol.iterator in value),
  });
}

/** Validates the options of a `Retry`. */
export const retryCheck: Check = options<RetryInit>(
  {
    total: counter,
    connect: counter,
    read: counter,
    redirect: counter,
    status: counter,
    other: counter,
    allowedMethods: iterable('a list of methods such as ["GET"], or null for all', [null, false]),
    statusForcelist: iterable("a list of statuses such as [503], or null", [null]),
    // As in urllib3 it may be negative, which means no wait.
    backoffFactor: (value) => (typeof value === "number" && value < 0 ? undefined : duration(value)),
    backoffMax: duration,
    backoffJitter: (value) => (value === "full" ? undefined : jitter(value)),
    fastFirst: flag,
    wait: functionOrNull('waitFixed("1s")'),
    when: functionOrNull("({ response }) => response?.status === 404"),
    raiseOnRedirect: flag,
    raiseOnStatus: flag,
    respectRetryAfterHeader: flag,
    retryAfterMax: duration,
    onLongRetryAfter: kind({
      wanted: '"fail", "wait" or "defer"',
      fits: (value) => value === "fail" || value === "wait" || value === "defer",
      type: "string",
    }),
    dialects: listOf(aFunction, "a list of dialects such as [...dialects]"),
    removeHeadersOnRedirect: iterable('a list of headers such as ["X-Api-Key"]'),
    history: listOf(kind({ wanted: "an entry of a history", fits: isObject }), "a list"),
  },
  {
    backoff: "backoffFactor",
    methods: "allowedMethods",
    statusCodes: "statusForcelist",
    // got, ky, axios-retry, p-retry, and older urllib3
    retries: "total",
    maxRetries: "total",
    attempts: "total, the retries after the first attempt",
    maxAttempts: "total, the retries after the first attempt",
    stop: 'total, or timeout: "1m", next to retry',
    limit: "total",
    codes: "statusForcelist",
    statuses: "statusForcelist",
    retryOn: "statusForcelist",
    afterStatusCodes: "statusForcelist",
    httpMethodsToRetry: "allowedMethods",
    method_whitelist: "allowedMethods",
    methodWhitelist: "allowedMethods",
    errorCodes: "when",
    shouldRetry: "when",
    retryIf: "when",
    condition: "when",
    retryCondition: "when",
    retryOnTimeout: "read",
    enforceRetryRules: "when",
    delay: "wait",
    retryDelay: "wait",
    calculateDelay: "wait",
    minTimeout: "backoffFactor",
    factor: "wait: waitExponential({ base })",
    maxTimeout: "backoffMax",
    backoffLimit: "backoffMax",
    jitter: "backoffJitter",
    noise: "backoffJitter",
    randomize: "backoffJitter",
    maxRetryAfter: "retryAfterMax",
    maxRetryTime: 'timeout: "1m", next to retry',
    onRetry: "hooks: { retry: [fn] }, next to retry",
    onFailedAttempt: "hooks: { retry: [fn] }, next to retry",
    waitForCircuit: "waitForCircuit, next to retry",
    over: "onLongRetryAfter",
  },
);

/** Validates a member of `allowedMethods`. */
export const retryMethod: Check = kind({
  wanted: 'methods such as "GET"',
  fits: (value) => typeof value === "string" && isToken(value),
});

/** Validates a member of `statusForcelist`. */
export const retryStatus: Check = kind({
  wanted: "statuses from 100 to 999",
  fits: (value) => Number.isInteger(value) && Number(value) >= 100 && Number(value) <= 999,
  type: "number",
});
