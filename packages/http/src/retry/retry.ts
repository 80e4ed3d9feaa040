import {
  type Attempt,
  failed,
  type Random,
  RetryError,
  succeeded,
  systemRandom,
  type Wait,
} from "@holdfast/policy";
import { brandClass, isBranded } from "@holdfast/policy/internal";
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
  normalizeJitter,
  normalizeMethods,
  normalizeStatuses,
  returnsRedirects,
  transientStatuses,
  valueOr,
} from "./normalize.ts";
import type { RetryCondition, RetryCount, RetryInit } from "./options.ts";

const noHistory: readonly never[] = Object.freeze([]);

/** Options that were validated: those that a `Retry` derived from its own. */
const derivedInits = new WeakSet<RetryInit>();

/**
 * An immutable rule that says how often, how fast and why a request is retried. Options are those of urllib3 2.7's `Retry`;
 * the defaults are those of a session. Times are in milliseconds.
 */
export class Retry implements RetryInit {
  /** The idempotent methods: DELETE, GET, HEAD, OPTIONS, PUT, TRACE (RFC 9110 §9.2.2) and QUERY. */
  static readonly defaultAllowedMethods: ReadonlySet<string> = idempotentMethods;
  /** The statuses that are retried if the response has a Retry-After, without being listed: 413, 429 and 503. */
  static readonly retryAfterStatusCodes: ReadonlySet<number> = frozenSet([413, 429, 503]);
  /** The headers that a redirect to another host removes: Authorization, Cookie and Proxy-Authorization. */
  static readonly defaultRemoveHeadersOnRedirect: ReadonlySet<string> = credentialHeaders;
  /** The statuses that are retried unless a rule lists others. */
  static readonly defaultStatusForcelist: ReadonlySet<number> = transientStatuses;
  /** The rule of a session without options: `new Retry()`. */
  static readonly default: Retry = new Retry();

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
  readonly backoffJitter: number | "full";
  readonly fastFirst: boolean;
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
    const isDerived = derivedInits.has(init);
    if (!isDerived) refuse("Retry", retryCheck(init));
    const counters = normalizeCounters(init);
    // urllib3 does not retry a 503 with Retry-After if `total` is null: without a limit, a rule would retry less.
    this.total = isDerived ? counters.total : (counters.total ?? Infinity);
    this.connect = counters.connect;
    this.read = counters.read;
    this.redirect = counters.redirect;
    this.status = counters.status;
    this.other = counters.other;
    this.allowedMethods = normalizeMethods(init.allowedMethods);
    this.statusForcelist = normalizeStatuses(init.statusForcelist);
    this.backoffFactor = normalizeBackoffFactor(init.backoffFactor);
    this.backoffMax = normalizeDuration(init.backoffMax, "30s");
    this.backoffJitter = normalizeJitter(init.backoffJitter);
    this.fastFirst = valueOr(init.fastFirst, false);
    this.wait = init.wait ?? undefined;
    this.when = init.when ?? undefined;
    this.raiseOnRedirect = !returnsRedirects(init) && valueOr(init.raiseOnRedirect, true);
    this.raiseOnStatus = valueOr(init.raiseOnStatus, false);
    this.respectRetryAfterHeader = valueOr(init.respectRetryAfterHeader, true);
    this.retryAfterMax = normalizeDuration(init.retryAfterMax, "2m");
    this.onLongRetryAfter = valueOr(init.onLongRetryAfter, "fail");
    this.dialects = frozenList(init.dialects, dialects);
    this.removeHeadersOnRedirect = normalizeHeaderNames(init.removeHeadersOnRedirect);
    this.history = frozenList(init.history, noHistory);
    // A derived class still has to set its own fields.
    if (new.target === Retry) Object.freeze(this);
  }

  /**
   * Creates a `Retry` with the defaults of urllib3: ten retries, of statuses with a Retry-After alone, without back-off, and an
   * error at the end.
   */
  static urllib3(init: RetryInit = {}): Retry {
    refuse("Retry", retryCheck(init));
    return derive({ ...urllib3Defaults, ...definedOnly(init) });
  }

  /** urllib3's `from_int`: returns `retries`, or `fallback` if it is null. A number gets the defaults of urllib3. */
  static fromInt(
    retries: Retry | RetryCount,
    redirect: boolean | null = true,
    fallback: Retry | RetryCount = null,
  ): Retry {
    const chosen = retries ?? fallback ?? Retry.urllib3({ total: 3 });
    return chosen instanceof Retry
      ? chosen
      : Retry.urllib3({ total: chosen, redirect: redirect === true ? null : false });
  }

  /**
   * Returns a copy with some options changed. Undefined options and the history stay as they are. An option of the back-off
   * replaces an inherited `wait`.
   */
  new(overrides: { readonly [Name in keyof RetryInit]?: RetryInit[Name] | undefined }): Retry {
    refuse("Retry", retryCheck(overrides));
    const defined = definedOnly(overrides);
    const backOff = backoffOptions.some((name) => name in defined) ? { wait: null } : {};
    const total = defined.total === null ? { total: Infinity } : {};
    return derive(
      Object.assign<RetryInit, RetryInit, RetryInit>({}, this, { ...backOff, ...defined, ...total }),
    );
  }

  /** Returns whether a value is a `Retry`, of this or another copy of the package. */
  static [Symbol.hasInstance](value: unknown): boolean {
    return isBranded(this, value);
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
      history: Object.freeze(appended(this.history, toHistoryEntry(event))),
    });
    const next = derive(init);
    if (!next.isExhausted()) return next;
    const cause = event.error ?? responseError(event);
    throw retriesExhausted(next.history.length, cause);
  }

  /** Returns the wait of the back-off, or of `wait`, in milliseconds. Without `attempt`, `wait` gets one built from the history. */
  getBackoffTime(random: Random = systemRandom, attempt?: Attempt): number {
    const failures = this.#consecutiveFailures();
    if (failures === 0) return 0;
    if (this.wait !== undefined)
      return checkedDelay(this.wait(attempt ?? toAttempt(failures, this.history.at(-1)), random));
    return this.#backoffAfter(attempt?.number ?? failures, random);
  }

  #backoffAfter(failures: number, random: Random): number {
    const { backoffFactor, backoffMax, backoffJitter } = this;
    if (this.fastFirst && failures === 1) return 0;
    // 0 · Infinity is NaN.
    const doubled = backoffFactor === 0 ? 0 : backoffFactor * 2 ** (failures - 1);
    if (backoffJitter === "full") return random() * Math.max(0, Math.min(backoffMax, doubled));
    const jitter = backoffJitter === 0 ? 0 : random() * backoffJitter;
    return Math.max(0, Math.min(backoffMax, doubled + jitter));
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

/** Returns a new list with one more entry. A list literal of one takes 24 bytes, a spread of none and one 152. */
function appended<T>(list: readonly T[], entry: T): readonly T[] {
  return list.length === 0 ? [entry] : [...list, entry];
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

const urllib3Defaults: RetryInit = Object.freeze({
  total: 10,
  statusForcelist: null,
  backoffFactor: 0,
  backoffMax: "2m",
  backoffJitter: 0,
  fastFirst: true,
  raiseOnStatus: true,
  retryAfterMax: "6h",
});

const backoffOptions = ["backoffFactor", "backoffMax", "backoffJitter", "fastFirst"] as const;

function definedOnly(init: { readonly [Name in keyof RetryInit]?: RetryInit[Name] | undefined }): RetryInit {
  return Object.fromEntries(Object.entries(init).filter(([, value]) => value !== undefined));
}

brandClass(Retry, "Retry");
// Its static defaults are shared.
Object.freeze(Retry);

/** Creates a `Retry` from options that were validated. */
function derive(init: RetryInit): Retry {
  derivedInits.add(init);
  return new Retry(init);
}
