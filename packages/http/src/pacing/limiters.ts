import type { Clock } from "@holdfast/policy";
import { stripRootDot } from "@holdfast/policy/internal";
import type { HttpRequest } from "../model/request.ts";
import type { Hint } from "../retry/dialects/dialect.ts";
import { Limiter, type AcquireLimits } from "./limiter.ts";
import { freePace } from "./pace.ts";
import { countAccepted, emptyTally, type Tally } from "./tally.ts";

/** The request and its proxy, which a server limits separately. */
export interface LimitedRequest {
  readonly request: HttpRequest;
  /** The proxy of the request: most servers treat each address as a separate client. */
  readonly proxy: string | undefined;
}

/** A response that shows a rate limit. */
export interface LimitReport extends LimitedRequest {
  readonly hint: Hint | undefined;
  /** When the request was sent, on the clock. */
  readonly sentAt: number;
  /** The pause if the server states none, or 0, in milliseconds. */
  readonly delay: number;
  /** Whether the request was accepted: the limit is reached, but not exceeded. */
  readonly accepted: boolean;
  /** Whether the server reports a failure such as a 503, not a limit. */
  readonly isServerFailure: boolean;
}

// Unused limiters are removed when there are more than this.
const maxIdleLimiters = 1_024;
const maxRoutes = 1_000;
const hostWide = "global";

/**
 * The rate limits that a session has met: one limiter for each bucket that a server names, otherwise one for its host.
 * Without a limit, no request is delayed.
 */
export class Limiters {
  readonly #clock: Clock;
  readonly #limiters = new Map<string, Limiter>();
  /** The buckets that count a route, and the bucket of each host that hit its limit last. */
  readonly #buckets = new Map<string, readonly string[]>();
  #closed: { readonly reason: Error } | undefined;
  /** The accepted requests until the second that began at `secondAt`. */
  #tally: Tally;
  /** Accepted requests that are not in the tally yet: a counter costs a tenth of a new tally. */
  #uncounted = 0;
  #sweepAt = maxIdleLimiters;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#tally = emptyTally(clock.now());
  }

  /** Whether no limit has been met. */
  get isEmpty(): boolean {
    return this.#limiters.size === 0;
  }

  /**
   * Resolves with the limiters of the request when it may be sent. Call `release` of each when it has ended.
   *
   * @throws the errors of `Limiter.acquire`.
   */
  async acquire(limited: LimitedRequest, limits: AcquireLimits): Promise<readonly Limiter[]> {
    if (this.#closed !== undefined) throw this.#closed.reason;
    const acquired: Limiter[] = [];
    try {
      for (;;) {
        // Looked up each time: another limiter may have been created during the wait.
        const next = this.#limitersFor(limited).find((limiter) => !acquired.includes(limiter));
        if (next === undefined) return acquired;
        await next.acquire(limits);
        acquired.push(next);
      }
    } catch (error) {
      for (const limiter of acquired) limiter.release();
      throw error;
    }
  }

  /** Records that the request sent at `sentAt` was accepted. */
  recordAccepted(limited: LimitedRequest, sentAt: number, now: number): void {
    if (now - this.#tally.secondAt < 1_000) this.#uncounted += 1;
    else this.#tally = countAccepted(this.#currentTally, now);
    if (this.#limiters.size > 0)
      for (const limiter of this.#limitersFor(limited)) limiter.recordAccepted(sentAt);
  }

  /** Records the buckets that a response names for its route. */
  recordBuckets(limited: LimitedRequest, buckets: readonly string[]): void {
    if (buckets.length > 0) this.#setBuckets(routeKey(limited), buckets);
  }

  /** Records the rate limit of a response. */
  recordLimit({ hint, sentAt, delay, accepted, isServerFailure, ...limited }: LimitReport): void {
    const scope = hint?.scope === hostWide ? undefined : hint?.scope;
    if (scope !== undefined) this.#addBucket(limited, scope);
    const isDelayStated = hint?.delay !== undefined;
    // A requested delay of 0 does not replace the back-off.
    const pause = isDelayStated && hint.delay > 0 ? hint.delay : delay;
    const limit = hint?.limit;
    this.#limiterFor(limiterKey(limited, scope)).recordLimit({
      sentAt,
      delay: pause,
      isDelayStated,
      accepted,
      isServerFailure,
      limit,
    });
  }

  /** Rejects all waiting requests. */
  close(reason: Error): void {
    this.#closed = { reason };
    for (const limiter of this.#limiters.values()) limiter.close(reason);
  }

  /** Returns the tally with all accepted requests. */
  get #currentTally(): Tally {
    const { accepted, thisSecond } = this.#tally;
    const more = this.#uncounted;
    this.#uncounted = 0;
    this.#tally = { ...this.#tally, accepted: accepted + more, thisSecond: thisSecond + more };
    return this.#tally;
  }

  #limitersFor(limited: LimitedRequest): readonly Limiter[] {
    const host = limiterKey(limited);
    // For an unknown route, the bucket of the host that hit its limit last is assumed.
    const buckets = this.#buckets.get(routeKey(limited)) ?? this.#buckets.get(host) ?? [];
    const keys = [host, ...buckets.map((bucket) => limiterKey(limited, bucket))];
    return keys.map((key) => this.#limiters.get(key)).filter((limiter) => limiter !== undefined);
  }

  #limiterFor(key: string): Limiter {
    const known = this.#limiters.get(key);
    if (known !== undefined) return known;
    if (this.#limiters.size >= this.#sweepAt) this.#sweep();
    const created = new Limiter(this.#clock, freePace(this.#currentTally));
    this.#limiters.set(key, created);
    return created;
  }

  #addBucket(limited: LimitedRequest, scope: string): void {
    const route = routeKey(limited);
    const known = this.#buckets.get(route) ?? [];
    this.#setBuckets(route, known.includes(scope) ? known : [...known, scope]);
    this.#setBuckets(limiterKey(limited), [scope]);
  }

  #setBuckets(key: string, buckets: readonly string[]): void {
    this.#buckets.delete(key);
    this.#buckets.set(key, buckets);
    if (this.#buckets.size <= maxRoutes) return;
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }

  #sweep(): void {
    for (const [key, limiter] of this.#limiters) if (limiter.isIdle) this.#limiters.delete(key);
    this.#sweepAt = Math.max(maxIdleLimiters, 2 * this.#limiters.size);
  }
}

function limiterKey({ request, proxy = "" }: LimitedRequest, scope = ""): string {
  return `${stripRootDot(request.url.origin)} ${proxy} ${scope}`;
}

function routeKey({ request, proxy = "" }: LimitedRequest): string {
  const { method, url } = request;
  return `${method} ${stripRootDot(url.origin)}${url.pathname} ${proxy}`;
}
