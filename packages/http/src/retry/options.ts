import type { Duration, Wait } from "@holdfast/policy";
import type { HttpResponse } from "../model/response.ts";
import type { Dialect } from "./dialects/dialect.ts";
import type { RequestHistory } from "./history.ts";

/** A number of retries. `null` means no limit, `false` switches them off, `true` counts as 1 (urllib3's rule). */
export type RetryCount = number | boolean | null;

/** A list of names. A string is not accepted, although it is an iterable of letters. */
export type NameList = Iterable<string> & object;

/** The result of one attempt: a response or an error. */
export interface AttemptOutcome {
  readonly response?: HttpResponse | undefined;
  readonly error?: unknown;
}

/** Decides from the result of an attempt whether to retry it, in addition to the rules on statuses and errors. */
export type RetryCondition = (outcome: AttemptOutcome) => boolean | Promise<boolean>;

/**
 * The options of a `Retry`. Names and meanings are urllib3's, except `wait`, `when`, `fastFirst`, `onLongRetryAfter`,
 * `retryAfterMax` and `dialects`. The defaults are those of a session; `Retry.urllib3` has those of urllib3.
 */
export interface RetryInit {
  /**
   * Retries and redirects together, for any reason. A session counts its redirects separately, unless its `maxRedirects`
   * is null. `false` also returns redirects and throws errors unchanged. @default 3
   */
  readonly total?: RetryCount;
  /** Retries after a connection that could not be opened. @default null */
  readonly connect?: RetryCount;
  /** Retries after a request that may have arrived, for `allowedMethods` only. @default null */
  readonly read?: RetryCount;
  /** Redirects, in a session at most `maxRedirects`. `false` returns the redirect. @default null */
  readonly redirect?: RetryCount;
  /** Retries because of a status. @default null */
  readonly status?: RetryCount;
  /** Retries after any other error. @default null */
  readonly other?: RetryCount;
  /** The methods that may be repeated, in capitals. `null`, `false` or an empty list: every method. @default Retry.defaultAllowedMethods */
  readonly allowedMethods?: NameList | false | null;
  /** The statuses to retry, with any headers. `null` for none. @default Retry.defaultStatusForcelist */
  readonly statusForcelist?: Iterable<number> | null;
  /** The back-off after the n-th failure in a row is `backoffFactor * 2 ** (n - 1)`. @default "1s" */
  readonly backoffFactor?: Duration;
  /** Longest wait of the back-off. @default "30s" */
  readonly backoffMax?: Duration;
  /**
   * `"full"` draws each wait at random between 0 and the back-off, so that many clients do not return at the same moment. A
   * duration is the largest random addition to each wait. @default "full"
   */
  readonly backoffJitter?: Duration | "full";
  /** Whether to retry the first failure in a row without a wait. @default false */
  readonly fastFirst?: boolean;
  /** A wait strategy that replaces the back-off, from the first failure on. `null` for none. */
  readonly wait?: Wait | null | undefined;
  /** Retries further attempts because of their result, for example an error message in a 200. `null` for none. */
  readonly when?: RetryCondition | null | undefined;
  /** Throws when the redirects are exhausted, instead of returning the last response. @default true */
  readonly raiseOnRedirect?: boolean;
  /** Throws when the retries because of a status are exhausted, instead of returning the last response. @default false */
  readonly raiseOnStatus?: boolean;
  /** Waits as long as Retry-After or another of the `dialects` asks, instead of the back-off. @default true */
  readonly respectRetryAfterHeader?: boolean;
  /** Longest Retry-After to wait for. @default "2m" */
  readonly retryAfterMax?: Duration;
  /**
   * What to do about a longer Retry-After. `fail` returns the response immediately, with `retryAt`. `wait` waits, within
   * the deadline. `defer` throws a DeferredError with `resumeAt`, for callers that can repeat the request later.
   * @default "fail"
   */
  readonly onLongRetryAfter?: "fail" | "wait" | "defer";
  /** The rate limit dialects to understand, the most important first. @default all built-in dialects */
  readonly dialects?: readonly Dialect[];
  /** The headers that are removed on a redirect to another host. @default Retry.defaultRemoveHeadersOnRedirect */
  readonly removeHeadersOnRedirect?: NameList;
  /** The requests counted so far. @default [] */
  readonly history?: readonly RequestHistory[];
}
