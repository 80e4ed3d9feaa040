import type { Duration, Wait } from "@holdfast/policy";
import { toMs } from "@holdfast/policy/internal";
import { headerName, refuse, type Check } from "../support/validate.ts";
import { frozenSet } from "../support/frozen-set.ts";
import type { HttpResponse } from "../model/response.ts";
import type { Dialect } from "./dialects/dialect.ts";
import { method, status } from "./validate-options.ts";
import type { RequestHistory } from "./history.ts";

/** How many: a number, `null` for no limit, `false` for switched off; `true` counts as 1 (urllib3's rule). */
export type RetryCount = number | boolean | null;

/** Several names; a text is none of them, though it can be taken apart into letters. */
export type Names = Iterable<string> & object;

/** What came of sending a request once: a response or an error. */
export interface Exchange {
  readonly response?: HttpResponse | undefined;
  readonly error?: unknown;
}

/** The settings of a `Retry`; all are urllib3's, but `wait`, `when`, `onLongRetryAfter` and `dialects`. */
export interface RetryInit {
  /**
   * Retries and redirects together, whatever for; of a session only the retries, unless its `maxRedirects` is null. `false`
   * also hands out redirects and errors as they are. @default 10
   */
  readonly total?: RetryCount;
  /** Retries after a connection that could not be made. @default null */
  readonly connect?: RetryCount;
  /** Retries after a request that may have arrived, of `allowedMethods` only. @default null */
  readonly read?: RetryCount;
  /** Redirects, of a session no more than its `maxRedirects`; `false` hands them out. @default null */
  readonly redirect?: RetryCount;
  /** Retries because of a status. @default null */
  readonly status?: RetryCount;
  /** Retries after any other error. @default null */
  readonly other?: RetryCount;
  /** The methods that may be sent again, in capitals; `null`, `false` or none: every method. @default Retry.defaultAllowedMethods */
  readonly allowedMethods?: Names | false | null;
  /** The statuses to retry after, whatever their headers. @default none */
  readonly statusForcelist?: Iterable<number> | null;
  /** The wait after failure n in a row is this · 2^(n-1), and none after the first. @default 0 */
  readonly backoffFactor?: Duration;
  /** The longest wait of the back-off. @default "2m" */
  readonly backoffMax?: Duration;
  /** The most that is added to each wait of the back-off at random. @default 0 */
  readonly backoffJitter?: Duration;
  /** Waits by a strategy, from the first failure on, in place of the whole back-off; null for none. */
  readonly wait?: Wait | null | undefined;
  /** Retries a further exchange by what it brought, such as an error message in a 200; null for none. */
  readonly when?: RetryCondition | null | undefined;
  /** Throws when these redirects are used up, rather than hand out the last response. @default true */
  readonly raiseOnRedirect?: boolean;
  /** Throws when the retries because of a status are used up, rather than hand out the last response. @default true */
  readonly raiseOnStatus?: boolean;
  /** Waits as long as Retry-After, or another of `dialects`, says, rather than the back-off. @default true */
  readonly respectRetryAfterHeader?: boolean;
  /** The longest that Retry-After is taken for. @default "6h" */
  readonly retryAfterMax?: Duration;
  /**
   * What a longer Retry-After leads to: `fail` gives the answer back at once, with `retryAt`; `wait` waits all the same,
   * within the deadline; `defer` throws a DeferredError, for whoever can ask again later. @default "fail"
   */
  readonly onLongRetryAfter?: "fail" | "wait" | "defer";
  /** The ways of saying "slow down" that are understood, the weightiest first. @default all that are built in */
  readonly dialects?: readonly Dialect[];
  /** The headers that are not sent to another host. @default Retry.defaultRemoveHeadersOnRedirect */
  readonly removeHeadersOnRedirect?: Names;
  /** The requests counted so far. @default none */
  readonly history?: readonly RequestHistory[];
}

/** Picks exchanges that are to be retried though their status and error alone would not be. */
export type RetryCondition = (exchange: Exchange) => boolean | Promise<boolean>;

/** The counters of a `Retry`, checked and complete. */
export type Counters = Readonly<
  Record<"total" | "connect" | "read" | "redirect" | "status" | "other", RetryCount>
>;

/** The methods that sent twice have the effect of once: RFC 9110 §9.2.2, and QUERY by its own definition. */
export const idempotentMethods: ReadonlySet<string> = frozenSet([
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PUT",
  "QUERY",
  "TRACE",
]);

/** The headers that carry a user's credentials, in lower case. */
export const credentialHeaders: ReadonlySet<string> = frozenSet([
  "authorization",
  "cookie",
  "proxy-authorization",
]);

/** Whether redirects are handed out rather than followed. */
export function handsOutRedirects({ total, redirect }: RetryInit): boolean {
  return total === false || redirect === false;
}

/** Fills in the counters. */
export function countersOf(init: RetryInit): Counters {
  return {
    total: countOf(init.total, 10),
    connect: countOf(init.connect, null),
    read: countOf(init.read, null),
    redirect: handsOutRedirects(init) ? 0 : countOf(init.redirect, null),
    status: countOf(init.status, null),
    other: countOf(init.other, null),
  };
}

function countOf(value: RetryCount | undefined, fallback: RetryCount): RetryCount {
  return value === undefined ? fallback : value;
}

/** Gives the methods that may be sent again; `null` for all. */
export function methodsOf(allowed: RetryInit["allowedMethods"]): ReadonlySet<string> | null {
  if (allowed === undefined) return idempotentMethods;
  const methods =
    allowed === null || allowed === false ? undefined : ownSet(allowed, "allowedMethods", method);
  return methods === undefined || methods.size === 0 ? null : methods;
}

/** Gives the statuses that are retried. */
export function statusesOf(listed: RetryInit["statusForcelist"]): ReadonlySet<number> {
  return ownSet(listed ?? [], "statusForcelist", status);
}

/** Gives a duration in milliseconds, or that of `fallback`. */
export function durationOf(value: Duration | undefined, fallback: Duration): number {
  return toMs(value ?? fallback);
}

/** Gives a factor of the back-off in milliseconds; as in urllib3 it may be negative, which means no wait. */
export function factorOf(value: Duration = 0): number {
  return typeof value === "number" && value < 0 ? value : toMs(value);
}

/** Gives the names of headers in lower case. */
export function headerNamesOf(names: Names = credentialHeaders): ReadonlySet<string> {
  const set = ownSet(names, "removeHeadersOnRedirect", headerName);
  return set === names ? set : frozenSet([...set].map((name) => name.toLowerCase()));
}

/** Gives the values as a set that nobody can change, so that a `Retry` and what is made of it can share it. */
function ownSet<T>(values: Iterable<T>, name: keyof RetryInit, member: Check): ReadonlySet<T> {
  const set = frozenSet(values);
  if (set !== values) for (const one of set) refuse(`Retry.${name}`, member(one));
  return set;
}
