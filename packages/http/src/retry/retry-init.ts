import { type Duration, toMs, type Wait } from "@holdfast/policy";
import type { Response } from "../response.ts";
import type { Dialect } from "./dialects/dialect.ts";
import type { RequestHistory } from "./retry-history.ts";

/** How many: a number, `null` for no limit, `false` for switched off; `true` counts as 1 (urllib3's rule). */
export type RetryCount = number | boolean | null;

/** What came of sending a request once: a response or an error. */
export interface Exchange {
  readonly response?: Response | undefined;
  readonly error?: unknown;
}

/** The settings of a `Retry`; all are urllib3's, but `wait`, `when`, `over` and `dialects`. */
export interface RetryInit {
  /** Retries and redirects together, whatever for. `false` also hands out redirects and errors as they are. @default 10 */
  readonly total?: RetryCount;
  /** Retries after a connection that could not be made. @default null */
  readonly connect?: RetryCount;
  /** Retries after a request that may have arrived, of `allowedMethods` only. @default null */
  readonly read?: RetryCount;
  /** Redirects; `false` hands them out. @default null */
  readonly redirect?: RetryCount;
  /** Retries because of a status. @default null */
  readonly status?: RetryCount;
  /** Retries after any other error. @default null */
  readonly other?: RetryCount;
  /** The methods that may be sent again, in capitals; `null`, `false` or none: every method. @default Retry.defaultAllowedMethods */
  readonly allowedMethods?: Iterable<string> | false | null;
  /** The statuses to retry after, whatever their headers. @default none */
  readonly statusForcelist?: Iterable<number> | null;
  /** The wait after failure n in a row is this · 2^(n-1), and none after the first. @default 0 */
  readonly backoffFactor?: Duration;
  /** The longest wait of the back-off. @default "2m" */
  readonly backoffMax?: Duration;
  /** The most that is added to each wait of the back-off at random. @default 0 */
  readonly backoffJitter?: Duration;
  /** Waits by a strategy, from the first failure on, in place of the whole back-off. */
  readonly wait?: Wait | undefined;
  /** Retries a further exchange by what it brought, such as an error message in a 200. */
  readonly when?: RetryCondition | undefined;
  /** Throws when the redirects are used up, rather than hand out the last response. @default true */
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
  readonly over?: "fail" | "wait" | "defer";
  /** The ways of saying "slow down" that are understood, the weightiest first. @default all that are built in */
  readonly dialects?: readonly Dialect[];
  /** The headers that are not sent to another host. @default Retry.defaultRemoveHeadersOnRedirect */
  readonly removeHeadersOnRedirect?: Iterable<string>;
  /** The requests counted so far. @default none */
  readonly history?: readonly RequestHistory[];
}

/** Picks exchanges that are to be retried though their status and error alone would not be. */
export type RetryCondition = (exchange: Exchange) => boolean | Promise<boolean>;

/** The counters of a `Retry`, checked and complete. */
export type Counters = Readonly<
  Record<"total" | "connect" | "read" | "redirect" | "status" | "other", RetryCount>
>;

const ours = new WeakSet<ReadonlySet<unknown>>();

/** Gives the values as a set that nobody changes, so that a `Retry` and what is made of it can share it. */
export function ownSet<T>(values: Iterable<T>): ReadonlySet<T> {
  if (values instanceof Set && ours.has(values)) return values;
  const set = new Set(values);
  ours.add(set);
  return set;
}

/** The methods that sent twice have the effect of once: RFC 9110 §9.2.2, and QUERY by its own definition. */
export const idempotentMethods: ReadonlySet<string> = ownSet([
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PUT",
  "QUERY",
  "TRACE",
]);

/** The headers that carry a user's credentials, in lower case. */
export const credentialHeaders: ReadonlySet<string> = ownSet([
  "authorization",
  "cookie",
  "proxy-authorization",
]);

/** Whether redirects are handed out rather than followed. */
export function handsOutRedirects({ total, redirect }: RetryInit): boolean {
  return total === false || redirect === false;
}

/**
 * Fills in and checks the counters.
 *
 * @throws RangeError for a number that is not whole.
 */
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
  if (value === undefined) return fallback;
  if (typeof value !== "number" || Number.isInteger(value) || value === Infinity) return value;
  throw new RangeError(`A count of retries must be a whole number, true, false or null, got ${value}`);
}

/** Gives the methods that may be sent again; `null` for all. */
export function methodsOf(allowed: RetryInit["allowedMethods"]): ReadonlySet<string> | null {
  if (allowed === undefined) return idempotentMethods;
  const methods = allowed === null || allowed === false ? undefined : ownSet(allowed);
  return methods === undefined || methods.size === 0 ? null : methods;
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
export function headerNamesOf(names: Iterable<string> = credentialHeaders): ReadonlySet<string> {
  return names instanceof Set && ours.has(names)
    ? names
    : ownSet([...names].map((name) => name.toLowerCase()));
}

/**
 * Checks what a Retry-After beyond `retryAfterMax` leads to.
 *
 * @throws RangeError for another word.
 */
export function overOf(over: RetryInit["over"] = "fail"): NonNullable<RetryInit["over"]> {
  if (over === "fail" || over === "wait" || over === "defer") return over;
  throw new RangeError(`over must be "fail", "wait" or "defer", got ${JSON.stringify(over)}`);
}
