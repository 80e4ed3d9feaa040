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

const functionOrNull = kind({
  wanted: "a function, or null for none",
  fits: (value) => value === null || isFunction(value),
});

/** Several values, of a kind that is looked at when they are taken out: some can be taken out only once. */
function several(wanted: string, others: readonly unknown[] = []): Check {
  return kind({
    wanted,
    fits: (value) => others.includes(value) || (isObject(value) && Symbol.iterator in value),
  });
}

/** What the settings of a `Retry` may be. */
export const retryCheck: Check = options<RetryInit>(
  {
    total: counter,
    connect: counter,
    read: counter,
    redirect: counter,
    status: counter,
    other: counter,
    allowedMethods: several('a list of methods such as ["GET"], or null for all', [null, false]),
    statusForcelist: several("a list of statuses such as [503], or null", [null]),
    // As in urllib3 it may be negative, which means no wait.
    backoffFactor: (value) => (typeof value === "number" && value < 0 ? undefined : duration(value)),
    backoffMax: duration,
    backoffJitter: duration,
    wait: functionOrNull,
    when: functionOrNull,
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
    removeHeadersOnRedirect: several('a list of headers such as ["X-Api-Key"]'),
    history: listOf(kind({ wanted: "a request that was counted", fits: isObject }), "a list"),
  },
  {
    backoff: "backoffFactor",
    methods: "allowedMethods",
    statusCodes: "statusForcelist",
    retries: "total",
    limit: "total",
    over: "onLongRetryAfter",
  },
);

/** A method that may be sent again. */
export const method: Check = kind({
  wanted: 'methods such as "GET"',
  fits: (value) => typeof value === "string" && isToken(value),
});

/** A status that is retried. */
export const status: Check = kind({
  wanted: "statuses from 100 to 999",
  fits: (value) => Number.isInteger(value) && Number(value) >= 100 && Number(value) <= 999,
  type: "number",
});
