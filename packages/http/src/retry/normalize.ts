import type { Duration } from "@holdfast/policy";
import { toMs } from "@holdfast/policy/internal";
import { idempotentMethods } from "../model/request.ts";
import { frozenSet } from "../support/frozen-set.ts";
import { headerName, refuse, type Check } from "../support/validate.ts";
import type { NameList, RetryCount, RetryInit } from "./options.ts";
import { retryMethod, retryStatus } from "./validate-options.ts";

/** The counters of a `Retry`, validated and complete. */
export type RetryCounters = Readonly<
  Record<"total" | "connect" | "read" | "redirect" | "status" | "other", RetryCount>
>;

/** The headers that carry a user's credentials, in lower case. */
export const credentialHeaders: ReadonlySet<string> = frozenSet([
  "authorization",
  "cookie",
  "proxy-authorization",
]);

/** The statuses that usually pass: rate limits, failures of servers and gateways, and those of Cloudflare. */
export const transientStatuses: ReadonlySet<number> = frozenSet([
  408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529,
]);

/** Returns whether redirects are returned to the caller instead of being followed. */
export function returnsRedirects({ total, redirect }: RetryInit): boolean {
  return total === false || redirect === false;
}

/** Returns all counters, with their defaults. */
export function normalizeCounters(init: RetryInit): RetryCounters {
  return {
    total: valueOr(init.total, 3),
    connect: valueOr(init.connect, null),
    read: valueOr(init.read, null),
    redirect: returnsRedirects(init) ? 0 : valueOr(init.redirect, null),
    status: valueOr(init.status, null),
    other: valueOr(init.other, null),
  };
}

/** Not `??`: null is a value of a counter, and means no limit. */
export function valueOr<T>(value: T | undefined, fallback: T): T {
  return value === undefined ? fallback : value;
}

/** Returns the methods that may be repeated; `null` for all. */
export function normalizeMethods(allowed: RetryInit["allowedMethods"]): ReadonlySet<string> | null {
  if (allowed === undefined) return idempotentMethods;
  if (allowed === null || allowed === false) return null;
  const methods = immutableSet(allowed, "allowedMethods", retryMethod);
  return methods.size === 0 ? null : methods;
}

/** Returns the statuses to retry. */
export function normalizeStatuses(listed: RetryInit["statusForcelist"]): ReadonlySet<number> {
  if (listed === undefined) return transientStatuses;
  return immutableSet(listed ?? [], "statusForcelist", retryStatus);
}

/** Returns a duration in milliseconds. */
export function normalizeDuration(value: Duration | undefined, fallback: Duration): number {
  return toMs(value ?? fallback);
}

/** Returns the random part of a back-off: `"full"` or milliseconds. */
export function normalizeJitter(value: RetryInit["backoffJitter"] = "full"): number | "full" {
  return value === "full" ? value : toMs(value);
}

/** Returns a back-off factor in milliseconds. As in urllib3 it may be negative, which means no wait. */
export function normalizeBackoffFactor(value: Duration = "1s"): number {
  return typeof value === "number" && value < 0 ? value : toMs(value);
}

/** Returns header names in lower case. */
export function normalizeHeaderNames(names: NameList = credentialHeaders): ReadonlySet<string> {
  const set = immutableSet(names, "removeHeadersOnRedirect", headerName);
  return set === names ? set : frozenSet([...set].map((name) => name.toLowerCase()));
}

/** Returns the values as an immutable set, so that a `Retry` and the ones derived from it can share it. */
function immutableSet<T>(values: Iterable<T>, name: keyof RetryInit, member: Check): ReadonlySet<T> {
  const set = frozenSet(values);
  if (set !== values) for (const value of set) refuse(`Retry.${name}`, member(value));
  return set;
}
