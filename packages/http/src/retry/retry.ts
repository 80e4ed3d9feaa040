import {
  type Attempt,
  failed,
  type Random,
  RetryError,
  succeeded,
  systemRandom,
  type Wait,
} from "@holdfast/policy";
import { refuse, shown } from "../support/validate.ts";
import { frozenSet } from "../support/frozen-set.ts";
import { countedAs, type ErrorCounter } from "./counters.ts";
import type { Dialect } from "./dialects/dialect.ts";
import { dialects } from "./dialects/index.ts";
import { parseRetryAfter } from "./retry-after.ts";
import { retryCheck } from "./validate-options.ts";
import { type RequestHistory, responseError, type RetryEvent, rowOf } from "./history.ts";
import {
  countersOf,
  credentialHeaders,
  durationOf,
  factorOf,
  handsOutRedirects,
  headerNamesOf,
  idempotentMethods,
  methodsOf,
  statusesOf,
  type RetryCondition,
  type RetryCount,
  type RetryInit,
} from "./options.ts";

const nothing: readonly never[] = Object.freeze([]);

/** What a Retry has made of itself. */
const ownInits = new WeakSet<RetryInit>();

/** How often, how fast and for what a request is retried: urllib3 2.7's `Retry`, an immutable value. Times are milliseconds. */
export class Retry implements RetryInit {
  /** The methods that RFC 9110 §9.2.2 calls idempotent, and QUERY. */
  static readonly defaultAllowedMethods: ReadonlySet<string> = idempotentMethods;
  /** The statuses that are retried without being listed when they bring a Retry-After. */
  static readonly retryAfterStatusCodes: ReadonlySet<number> = frozenSet([413, 429, 503]);
  static readonly defaultRemoveHeadersOnRedirect: ReadonlySet<string> = credentialHeaders;
  /** What stands in where nothing was said: three retries. */
  static readonly default: Retry = new Retry({ total: 3 });

  readonly total: RetryCount;
  readonly connect: RetryCount;
  readonly read: RetryCount;
  readonly redirect: RetryCount;
  readonly status: RetryCount;
  readonly other: RetryCount;
  /** `null`: every method. */
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

  /** @throws TypeError or RangeError that names the setting which is none, or is not what it may be. */
  constructor(init: RetryInit = {}) {
    look(init);
    const counters = countersOf(init);
    this.total = counters.total;
    this.connect = counters.connect;
    this.read = counters.read;
    this.redirect = counters.redirect;
    this.status = counters.status;
    this.other = counters.other;
    this.allowedMethods = methodsOf(init.allowedMethods);
    this.statusForcelist = statusesOf(init.statusForcelist);
    this.backoffFactor = factorOf(init.backoffFactor);
    this.backoffMax = durationOf(init.backoffMax, "2m");
    this.backoffJitter = durationOf(init.backoffJitter, 0);
    this.wait = init.wait ?? undefined;
    this.when = init.when ?? undefined;
    this.raiseOnRedirect = !handsOutRedirects(init) && (init.raiseOnRedirect ?? true);
    this.raiseOnStatus = init.raiseOnStatus ?? true;
    this.respectRetryAfterHeader = init.respectRetryAfterHeader ?? true;
    this.retryAfterMax = durationOf(init.retryAfterMax, "6h");
    this.onLongRetryAfter = init.onLongRetryAfter ?? "fail";
    this.dialects = frozenList(init.dialects, dialects);
    this.removeHeadersOnRedirect = headerNamesOf(init.removeHeadersOnRedirect);
    this.history = frozenList(init.history, nothing);
    // A class that is derived from this one has fields still to come.
    if (new.target === Retry) Object.freeze(this);
  }

  /** Makes a `Retry` of a bare number of retries, or of `fallback` where there is none (`null`). */
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

  /** The same value with some settings changed; what is undefined, and the history, stays. */
  new(overrides: { readonly [Name in keyof RetryInit]?: RetryInit[Name] | undefined }): Retry {
    refuse("Retry", retryCheck(overrides));
    const said = Object.entries(overrides).filter(([, value]) => value !== undefined);
    return new Retry(Object.assign<RetryInit, RetryInit, RetryInit>({}, this, Object.fromEntries(said)));
  }

  /** Whether requests of this method may be sent again. */
  isMethodRetryable(method: string): boolean {
    return this.allowedMethods === null || this.allowedMethods.has(method.toUpperCase());
  }

  /** Whether an answer is to be retried: its method may be, and its status is listed or asks for it by Retry-After. */
  isRetry(method: string, status: number, hasRetryAfter = false): boolean {
    return this.isMethodRetryable(method) && this.isStatusRetryable(status, hasRetryAfter);
  }

  /** Whether an answer is to be retried as far as its status says, whatever the method was. */
  isStatusRetryable(status: number, hasRetryAfter = false): boolean {
    if (this.statusForcelist.has(status)) return true;
    const asked = hasRetryAfter && this.respectRetryAfterHeader && Retry.retryAfterStatusCodes.has(status);
    return asked && Boolean(this.total);
  }

  /** Whether more was counted than allowed. */
  isExhausted(): boolean {
    const { total, connect, read, redirect, status, other } = this;
    return [total, connect, read, redirect, status, other].some((left) => Number(left) < 0);
  }

  /**
   * Counts a request that is to be sent again, and gives what is left.
   *
   * @throws the error of the event, as it is, when its kind is switched off or its method may not be sent again.
   * @throws RetryError when nothing is left: its cause is that error, or a ResponseError.
   */
  increment(event: RetryEvent): Retry {
    // Hot path: what is known to be a Retry is not looked at once more.
    const init = Object.assign<RetryInit, RetryInit, RetryInit>({}, this, {
      ...this.#countDown(event),
      total: lessOne(this.total),
      history: Object.freeze([...this.history, rowOf(event)]),
    });
    ownInits.add(init);
    const next = new Retry(init);
    if (!next.isExhausted()) return next;
    const cause = event.error ?? responseError(event);
    throw gaveUp(next.history.length, cause);
  }

  /** Milliseconds to wait by the back-off, or by `wait`: what `attempt` tells the strategy is made up where it is missing. */
  getBackoffTime(random: Random = systemRandom, attempt?: Attempt): number {
    const failures = this.#failuresInARow();
    if (this.wait !== undefined) {
      return failures === 0
        ? 0
        : checkedDelay(this.wait(attempt ?? attemptOf(failures, this.history.at(-1)), random));
    }
    if (failures <= 1) return 0;
    // 0 · Infinity is NaN.
    const doubled = this.backoffFactor === 0 ? 0 : this.backoffFactor * 2 ** (failures - 1);
    const jitter = this.backoffJitter === 0 ? 0 : random() * this.backoffJitter;
    return Math.max(0, Math.min(this.backoffMax, doubled + jitter));
  }

  /** Milliseconds that a Retry-After asks for, at most `retryAfterMax`; undefined when it cannot be understood. */
  parseRetryAfter(value: string, now: number): number | undefined {
    const asked = parseRetryAfter(value, now);
    return asked === undefined ? undefined : Math.min(asked.delay, this.retryAfterMax);
  }

  /** Milliseconds that a Retry-After asks for, however long: 0 when it is not respected, or cannot be understood. */
  requestedDelay(retryAfter: string | null, now: number): number {
    if (retryAfter === null || !this.respectRetryAfterHeader) return 0;
    return parseRetryAfter(retryAfter, now)?.delay ?? 0;
  }

  /**
   * Milliseconds to wait before the next request: as long as Retry-After asks, where it is respected, else by the
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
    const asked =
      this.respectRetryAfterHeader && retryAfter !== undefined ? this.parseRetryAfter(retryAfter, now) : 0;
    if (redirected || Number(asked) > 0) return asked ?? 0;
    return this.getBackoffTime(random);
  }

  #countDown({ error, method, response }: RetryEvent): RetryInit {
    return error === undefined ? this.#countAnswer(response) : this.#countError(error, method);
  }

  #countError(error: unknown, method: string | null): RetryInit {
    const counter = countedAs(error);
    if (this.#handsOut(counter, method)) throw error;
    return { [counter]: lessOne(this[counter]) };
  }

  #countAnswer(response: RetryEvent["response"]): RetryInit {
    if (response === undefined) return {};
    return response.redirectLocation
      ? { redirect: lessOne(this.redirect) }
      : { status: lessOne(this.status) };
  }

  /** Whether an error of that kind is thrown as it is. */
  #handsOut(counter: ErrorCounter, method: string | null): boolean {
    if (this.total === false || (counter !== "other" && this[counter] === false)) return true;
    return counter === "read" && (method === null || !this.isMethodRetryable(method));
  }

  #failuresInARow(): number {
    const lastRedirect = this.history.findLastIndex((row) => row.redirectLocation !== null);
    return this.history.length - 1 - lastRedirect;
  }
}

/** A copy that nobody can change: the list itself, where it is one already. */
function frozenList<T>(given: readonly T[] | undefined, fallback: readonly T[]): readonly T[] {
  const list = given ?? fallback;
  return Object.isFrozen(list) ? list : Object.freeze([...list]);
}

/** @throws RangeError for what is no wait. */
function checkedDelay(delay: unknown): number {
  if (typeof delay === "number" && delay >= 0) return delay;
  throw new RangeError(`Retry.wait must give milliseconds, 0 or more, but gave ${shown(delay)}`);
}

function lessOne(left: RetryCount): RetryCount {
  return left === null ? null : Number(left) - 1;
}

function gaveUp(requests: number, cause: unknown): RetryError {
  const what = cause instanceof Error ? cause.message || cause.name : String(cause);
  const attempts = requests === 1 ? "1 attempt" : `${requests} attempts`;
  return new RetryError("stop", [], { message: `Gave up after ${attempts}: ${what}`, cause });
}

function attemptOf(number: number, row: RequestHistory | undefined): Attempt {
  const outcome = row === undefined || row.error === null ? succeeded(row) : failed(row.error);
  return { number, outcome, startedAt: 0, endedAt: 0, elapsed: 0, waited: 0, idleFor: 0 };
}

// Its defaults are everybody's.
Object.freeze(Retry);

function look(init: RetryInit): void {
  if (!ownInits.has(init)) refuse("Retry", retryCheck(init));
}
