import {
  type Attempt,
  failed,
  type Random,
  RetryError,
  succeeded,
  systemRandom,
  type Wait,
} from "@holdfast/policy";
import { idempotentMethods } from "../model/request.ts";
import { refuse, quote } from "../support/validate.ts";
import { frozenSet } from "../support/frozen-set.ts";
import { counterFor, type ErrorCounter } from "./counters.ts";
import type { Dialect } from "./dialects/dialect.ts";
import { dialects } from "./dialects/index.ts";
import { parseRetryAfter } from "./retry-after.ts";
import { retryCheck } from "./validate-options.ts";
import { type RequestHistory, responseError, type RetryEvent, toHistoryEntry } from "./history.ts";
import {
  credentialHeaders,
  normalizeBackoffFactor,
  normalizeCounters,
  normalizeDuration,
  normalizeHeaderNames,
  normalizeMethods,
  normalizeStatuses,
  returnsRedirects,
} from "./normalize.ts";
import type { RetryCondition, RetryCount, RetryInit } from "./options.ts";

const noHistory: readonly never[] = Object.freeze([]);

/** Options that a `Retry` derived from its own, which need no validation. */
const derivedInits = new WeakSet<RetryInit>();

/** An immutable rule that says how often, how fast and why a request is retried: urllib3 2.7's `Retry`. Times are in milliseconds. */
export class Retry implements RetryInit {
  /** The idempotent methods: DELETE, GET, HEAD, OPTIONS, PUT, TRACE (RFC 9110 §9.2.2) and QUERY. */
  static readonly defaultAllowedMethods: ReadonlySet<string> = idempotentMethods;
  /** The statuses that are retried if the response has a Retry-After, without being listed: 413, 429 and 503. */
  static readonly retryAfterStatusCodes: ReadonlySet<number> = frozenSet([413, 429, 503]);
  /** The headers that a redirect to another host removes: Authorization, Cookie and Proxy-Authorization. */
  static readonly defaultRemoveHeadersOnRedirect: ReadonlySet<string> = credentialHeaders;
  /** The rule of `Retry.fromInt(null)`: three retries. */
  static readonly default: Retry = new Retry({ total: 3 });

  readonly total: RetryCount;
  readonly connect: RetryCount;
  readonly read: RetryCount;
  readonly redirect: RetryCount;
  readonly status: RetryCount;
  readonly other: RetryCount;
  /** In capitals. `null` means every method. */
  readonly allowedMethods: ReadonlySet<string> | null;
  readonly statusForcelist: ReadonlySet<number>;
  readonly backoffFactor: number;
  readonly backoffMax: number;
  readonly backoffJitter: number;
  readonly wait: Wait | undefined;
  readonly when: RetryCondition | undefined;
  readonly raiseOnRedirect: boolean;
  readonly raiseOnStatus: boolean;
  readonly respectRetryAfterHeader: boolean;
  readonly retryAfterMax: number;
  readonly onLongRetryAfter: "fail" | "wait" | "defer";
  readonly dialects: readonly Dialect[];
  /** In lower case. */
  readonly removeHeadersOnRedirect: ReadonlySet<string>;
  readonly history: readonly RequestHistory[];

  /** @throws TypeError or RangeError that names an unknown option or an invalid value. */
  constructor(init: RetryInit = {}) {
    checkOptions(init);
    const counters = normalizeCounters(init);
    this.total = counters.total;
    this.connect = counters.connect;
    this.read = counters.read;
    this.redirect = counters.redirect;
    this.status = counters.status;
    this.other = counters.other;
    this.allowedMethods = normalizeMethods(init.allowedMethods);
    this.statusForcelist = normalizeStatuses(init.statusForcelist);
    this.backoffFactor = normalizeBackoffFactor(init.backoffFactor);
    this.backoffMax = normalizeDuration(init.backoffMax, "2m");
    this.backoffJitter = normalizeDuration(init.backoffJitter, 0);
    this.wait = init.wait ?? undefined;
    this.when = init.when ?? undefined;
    this.raiseOnRedirect = !returnsRedirects(init) && (init.raiseOnRedirect ?? true);
    this.raiseOnStatus = init.raiseOnStatus ?? true;
    this.respectRetryAfterHeader = init.respectRetryAfterHeader ?? true;
    this.retryAfterMax = normalizeDuration(init.retryAfterMax, "6h");
    this.onLongRetryAfter = init.onLongRetryAfter ?? "fail";
    this.dialects = frozenList(init.dialects, dialects);
    this.removeHeadersOnRedirect = normalizeHeaderNames(init.removeHeadersOnRedirect);
    this.history = frozenList(init.history, noHistory);
    // A derived class still has to set its own fields.
    if (new.target === Retry) Object.freeze(this);
  }

  /** Creates a `Retry` from a number of retries, or from `fallback` if `retries` is null. */
  static fromInt(
    retries: Retry | RetryCount,
    redirect: boolean | null = true,
    fallback: Retry | RetryCount = null,
  ): Retry {
    const chosen = retries ?? fallback ?? Retry.default;
    return chosen instanceof Retry
      ? chosen
      : new Retry({ total: chosen, redirect: redirect === true ? null : false });
  }

  /** Returns a copy with some options changed. Undefined options and the history stay as they are. */
  new(overrides: { readonly [Name in keyof RetryInit]?: RetryInit[Name] | undefined }): Retry {
    refuse("Retry", retryCheck(overrides));
    const defined = Object.entries(overrides).filter(([, value]) => value !== undefined);
    return new Retry(Object.assign<RetryInit, RetryInit, RetryInit>({}, this, Object.fromEntries(defined)));
  }

  /** Returns whether requests of this method may be repeated. */
  isMethodRetryable(method: string): boolean {
    return this.allowedMethods === null || this.allowedMethods.has(method.toUpperCase());
  }

  /** Returns whether to retry a response: its method may be repeated, and its status is listed or has a Retry-After. */
  isRetry(method: string, status: number, hasRetryAfter = false): boolean {
    return this.isMethodRetryable(method) && this.isStatusRetryable(status, hasRetryAfter);
  }

  /** Returns whether to retry a status, for any method. */
  isStatusRetryable(status: number, hasRetryAfter = false): boolean {
    if (this.statusForcelist.has(status)) return true;
    const requested =
      hasRetryAfter && this.respectRetryAfterHeader && Retry.retryAfterStatusCodes.has(status);
    return requested && Boolean(this.total);
  }

  /** Returns whether a counter is below zero. */
  isExhausted(): boolean {
    const { total, connect, read, redirect, status, other } = this;
    return [total, connect, read, redirect, status, other].some((left) => Number(left) < 0);
  }

  /**
   * Counts a failed attempt and returns a `Retry` with the retries that are left.
   *
   * @throws the error of the event if retries of its kind are switched off or its method may not be repeated.
   * @throws RetryError if no retries are left. Its cause is the error of the event, or a ResponseError.
   */
  increment(event: RetryEvent): Retry {
    // Hot path: options derived from a Retry need no validation.
    const init = Object.assign<RetryInit, RetryInit, RetryInit>({}, this, {
      ...this.#countDown(event),
      total: decremented(this.total),
      history: Object.freeze([...this.history, toHistoryEntry(event)]),
    });
    derivedInits.add(init);
    const next = new Retry(init);
    if (!next.isExhausted()) return next;
    const cause = event.error ?? responseError(event);
    throw retriesExhausted(next.history.length, cause);
  }

  /** Returns the wait of the back-off, or of `wait`, in milliseconds. Without `attempt`, `wait` gets one built from the history. */
  getBackoffTime(random: Random = systemRandom, attempt?: Attempt): number {
    const failures = this.#consecutiveFailures();
    if (this.wait !== undefined) {
      return failures === 0
        ? 0
        : checkedDelay(this.wait(attempt ?? toAttempt(failures, this.history.at(-1)), random));
    }
    if (failures <= 1) return 0;
    // 0 · Infinity is NaN.
    const doubled = this.backoffFactor === 0 ? 0 : this.backoffFactor * 2 ** (failures - 1);
    const jitter = this.backoffJitter === 0 ? 0 : random() * this.backoffJitter;
    return Math.max(0, Math.min(this.backoffMax, doubled + jitter));
  }

  /** Returns the delay of a Retry-After in milliseconds, at most `retryAfterMax`. Undefined if it cannot be understood. */
  parseRetryAfter(value: string, now: number): number | undefined {
    const parsed = parseRetryAfter(value, now);
    return parsed === undefined ? undefined : Math.min(parsed.delay, this.retryAfterMax);
  }

  /** Returns the delay of a Retry-After in milliseconds, without limit. 0 if it is not respected or cannot be understood. */
  requestedDelay(retryAfter: string | null, now: number): number {
    if (retryAfter === null || !this.respectRetryAfterHeader) return 0;
    return parseRetryAfter(retryAfter, now)?.delay ?? 0;
  }

  /**
   * Returns the milliseconds to wait before the next request: the delay of Retry-After if it is respected, otherwise the
   * back-off. A redirect is followed without back-off.
   */
  getSleepTime(
    {
      retryAfter,
      redirected = false,
    }: { readonly retryAfter?: string | undefined; readonly redirected?: boolean },
    now: number,
    random?: Random,
  ): number {
    const requested =
      this.respectRetryAfterHeader && retryAfter !== undefined ? this.parseRetryAfter(retryAfter, now) : 0;
    if (redirected || Number(requested) > 0) return requested ?? 0;
    return this.getBackoffTime(random);
  }

  #countDown({ error, method, response }: RetryEvent): RetryInit {
    return error === undefined ? this.#countResponse(response) : this.#countError(error, method);
  }

  #countError(error: unknown, method: string | null): RetryInit {
    const counter = counterFor(error);
    if (this.#isThrownUnchanged(counter, method)) throw error;
    return { [counter]: decremented(this[counter]) };
  }

  #countResponse(response: RetryEvent["response"]): RetryInit {
    if (response === undefined) return {};
    return response.redirectLocation
      ? { redirect: decremented(this.redirect) }
      : { status: decremented(this.status) };
  }

  #isThrownUnchanged(counter: ErrorCounter, method: string | null): boolean {
    if (this.total === false || (counter !== "other" && this[counter] === false)) return true;
    return counter === "read" && (method === null || !this.isMethodRetryable(method));
  }

  #consecutiveFailures(): number {
    const lastRedirect = this.history.findLastIndex((row) => row.redirectLocation !== null);
    return this.history.length - 1 - lastRedirect;
  }
}

/** Returns an immutable copy, or the list itself if it is immutable already. */
function frozenList<T>(given: readonly T[] | undefined, fallback: readonly T[]): readonly T[] {
  const list = given ?? fallback;
  return Object.isFrozen(list) ? list : Object.freeze([...list]);
}

/** @throws RangeError if `wait` returned an invalid delay. */
function checkedDelay(delay: unknown): number {
  if (typeof delay === "number" && delay >= 0) return delay;
  throw new RangeError(`Retry.wait must return milliseconds, 0 or more, but returned ${quote(delay)}`);
}

function decremented(left: RetryCount): RetryCount {
  return left === null ? null : Number(left) - 1;
}

function retriesExhausted(requests: number, cause: unknown): RetryError {
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
  const attempts = requests === 1 ? "1 attempt" : `${requests} attempts`;
  return new RetryError("stop", [], { message: `Gave up after ${attempts}: ${reason}`, cause });
}

function toAttempt(number: number, row: RequestHistory | undefined): Attempt {
  const outcome = row === undefined || row.error === null ? succeeded(row) : failed(row.error);
  return { number, outcome, startedAt: 0, endedAt: 0, elapsed: 0, waited: 0, idleFor: 0 };
}

// Its static defaults are shared.
Object.freeze(Retry);

function checkOptions(init: RetryInit): void {
  if (!derivedInits.has(init)) refuse("Retry", retryCheck(init));
}
