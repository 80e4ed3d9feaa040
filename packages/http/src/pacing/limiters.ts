import type { Clock } from "@holdfast/policy";
import { stripRootDot } from "@holdfast/policy/internal";
import type { HttpRequest } from "../model/request.ts";
import type { Hint } from "../retry/dialects/dialect.ts";
import type { HttpResponse } from "../model/response.ts";
import { bucketNames, type LimitSignal } from "./limit-signal.ts";
import { Limiter, type AcquireLimits } from "./limiter.ts";
import { freePace } from "./pace.ts";
import { readQuotas, type Quota } from "./quota.ts";
import type { Refusal } from "./refusal.ts";
import { routeOf } from "./route.ts";
import { countAccepted, emptyTally, second, type Tally } from "./tally.ts";

/** The request and its proxy, which a server limits separately. */
export interface LimitedRequest {
  readonly request: HttpRequest;
  /** The proxy of the request: most servers treat each address as a separate client. */
  readonly proxy: string | undefined;
}

/** A request that was sent. */
export interface SentRequest extends LimitedRequest {
  /** When the request was sent, on the clock. */
  readonly sentAt: number;
}

/** When the known limits let a request start. */
export interface RateLimitTurn {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The header or status that announced the limit. */
  readonly source: string;
}

/** A response that shows a rate limit. */
export interface LimitReport extends SentRequest, LimitSignal {
  /** The pause if the server states none, or 0, in milliseconds. */
  readonly delay: number;
  /** The response, if the caller is a fetch. */
  readonly refusal?: Refusal | undefined;
}

// Unused limiters are removed when there are more than this.
const maxIdleLimiters = 1_024;
// Limiters with requests are kept beyond this number.
const maxLimiters = 10_000;
// One host has no more, so that it cannot push out the limits of the others.
const maxPerHost = 256;
const maxRoutes = 1_000;
// Buckets that count one route.
const maxBucketsOfRoute = 20;
const hostWide = "global";
// A refusal of one route says nothing about another one that is refused later than this, in milliseconds.
const relatedWithin = 600_000;

interface RefusedRoute {
  readonly route: string;
  readonly at: number;
}

/**
 * The rate limits that a session has met: one limiter for each bucket that a server names. A limit without a name applies to
 * the route that met it, and to the host when a second route is refused. A bucket applies to the routes that it was named for,
 * and to unknown routes when it has limited a second one. Without a limit, no request is delayed.
 */
export class Limiters {
  readonly #clock: Clock;
  readonly #isEven: boolean;
  readonly #limiters = new Map<string, Limiter>();
  /** The buckets that count a route, and the bucket of each host that limited a second route last. */
  readonly #buckets = new Map<string, readonly string[]>();
  /** The route that was refused last, of each host without a bucket and of each bucket. */
  readonly #refusedRoutes = new Map<string, RefusedRoute>();
  #closed: { readonly reason: Error } | undefined;
  /** The accepted requests until the second that began at `secondAt`. */
  #tally: Tally;
  /** Accepted requests that are not in the tally yet: a counter costs a tenth of a new tally. */
  #uncounted = 0;
  #sweepAt = maxIdleLimiters;

  /** @param options `even` paces requests evenly even if the server announces what remains of a window. */
  constructor(clock: Clock, { even }: { readonly even: boolean } = { even: false }) {
    this.#clock = clock;
    this.#isEven = even;
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

  /** Returns when the limits let a request start that does not queue, and the latest limit; undefined for now. */
  nextTurn(limited: LimitedRequest, date: number): RateLimitTurn | undefined {
    const turns = this.#limitersFor(limited).map((limiter) => limiter.nextTurn());
    const [last] = turns.filter((turn) => turn !== undefined).toSorted((one, other) => other.at - one.at);
    return last && { ...last, at: date + last.at - this.#clock.now() };
  }

  /** Records that the request sent at `sentAt` was accepted. */
  recordAccepted(limited: LimitedRequest, sentAt: number, now: number): void {
    if (now - this.#tally.secondAt < 1_000) this.#uncounted += 1;
    else this.#tally = countAccepted(this.#currentTally, now);
    if (this.#limiters.size > 0)
      for (const limiter of this.#limitersFor(limited)) limiter.recordAccepted(sentAt);
  }

  /** Records the buckets that count a route, and what remains of the limits that were hit. Call before `recordAccepted`. */
  recordRemaining(limited: SentRequest, response: HttpResponse, now: number): void {
    const buckets = bucketNames(response);
    if (buckets.length > 0) this.#setBuckets(routeKey(limited), buckets);
    if (this.isEmpty) return;
    for (const quota of readQuotas(response, now))
      for (const key of quotaKeys(limited, quota))
        this.#limiters.get(key)?.recordQuota(limited.sentAt, quota);
  }

  /** Records the rate limit of a response. */
  recordLimit(report: LimitReport): void {
    const { hint, sentAt, accepted, isServerFailure, status, request, refusal } = report;
    const scope = namedScope(hint);
    if (scope !== undefined) this.#addBucket(report, scope);
    const quota = this.#isEven ? undefined : spentQuota(report, scope);
    const isDelayStated = quota !== undefined || hint?.delay !== undefined;
    const hit = {
      sentAt,
      delay: pauseOf(report),
      isDelayStated,
      accepted,
      isServerFailure,
      limit: hint?.limit,
      quota,
      isEven: this.#isEven,
    };
    const limiter = this.#limiterFor(this.#keyOf(report), request.url.host);
    limiter.recordLimit({ source: hint?.source ?? `status ${status}`, refusal }, hit);
  }

  /** Rejects all waiting requests, and forgets all limits. */
  close(reason: Error): void {
    this.#closed = { reason };
    for (const limiter of this.#limiters.values()) limiter.close(reason);
    this.#limiters.clear();
    this.#buckets.clear();
    this.#refusedRoutes.clear();
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
    // For an unknown route, a bucket that has limited two routes of the host is assumed.
    const buckets = this.#buckets.get(routeKey(limited)) ?? this.#buckets.get(host) ?? [];
    const keys = [host, routeKey(limited), ...buckets.map((bucket) => limiterKey(limited, bucket))];
    return keys.map((key) => this.#limiters.get(key)).filter((limiter) => limiter !== undefined);
  }

  /** Returns the key of the limiter that a limit belongs to. */
  #keyOf({ hint, accepted, ...limited }: LimitReport): string {
    const host = limiterKey(limited);
    if (hint?.scope === hostWide) return host;
    if (hint?.scope !== undefined) return limiterKey(limited, hint.scope);
    if (this.#limiters.has(host)) return host;
    const route = routeKey(limited);
    if (accepted || !this.#isSecondRefusal(host, route)) return route;
    for (const [key, limiter] of this.#limiters) if (isRouteOf(key, limited)) limiter.lift();
    return host;
  }

  /** Returns whether another route of the host, or of the bucket, was refused before. */
  #isSecondRefusal(key: string, route: string): boolean {
    const now = this.#clock.now();
    const before = this.#refusedRoutes.get(key);
    this.#refusedRoutes.delete(key);
    this.#refusedRoutes.set(key, { route, at: now });
    const [oldest] = this.#refusedRoutes.keys();
    if (this.#refusedRoutes.size > maxRoutes && oldest !== undefined) this.#refusedRoutes.delete(oldest);
    return before !== undefined && before.route !== route && now - before.at <= relatedWithin;
  }

  #limiterFor(key: string, host: string): Limiter {
    const known = this.#limiters.get(key);
    if (known !== undefined) {
      // In the order in which limits were met last.
      this.#limiters.delete(key);
      this.#limiters.set(key, known);
      return known;
    }
    if (this.#limiters.size >= this.#sweepAt) this.#sweep();
    this.#makeRoomAt(host);
    const created = new Limiter(this.#clock, host, freePace(this.#currentTally));
    this.#limiters.set(key, created);
    return created;
  }

  /** Removes limits of a host that names more than `maxPerHost`, those that were met longest ago first. */
  #makeRoomAt(host: string): void {
    if (this.#limiters.size < maxPerHost) return;
    const ofHost = [...this.#limiters].filter(([, limiter]) => limiter.host === host);
    const unused = ofHost.filter(([, limiter]) => limiter.isUnused);
    const tooMany = Math.max(0, ofHost.length + 1 - maxPerHost);
    for (const [key] of unused.slice(0, tooMany)) this.#limiters.delete(key);
  }

  #addBucket(limited: LimitedRequest, scope: string): void {
    const route = routeKey(limited);
    const known = this.#buckets.get(route) ?? [];
    const isKnown = known.includes(scope);
    this.#setBuckets(route, isKnown ? known : [...known.slice(1 - maxBucketsOfRoute), scope]);
    if (this.#isSecondRefusal(limiterKey(limited, scope), route))
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
    // A server that names a new bucket in each response must not fill the memory: the oldest limits are forgotten.
    for (const [key, limiter] of this.#limiters) {
      if (this.#limiters.size <= maxLimiters / 2) break;
      if (limiter.isUnused) this.#limiters.delete(key);
    }
    this.#sweepAt = Math.min(maxLimiters, Math.max(maxIdleLimiters, 2 * this.#limiters.size));
  }
}

function limiterKey({ request, proxy = "" }: LimitedRequest, scope = ""): string {
  return `${stripRootDot(request.url.origin)} ${wayOf(request, proxy)} ${scope}`;
}

function routeKey({ request, proxy = "" }: LimitedRequest): string {
  return `${routeOf(request)} ${wayOf(request, proxy)}`;
}

/** Returns whether a key is that of a route of the request's host. */
function isRouteOf(key: string, { request, proxy = "" }: LimitedRequest): boolean {
  const origin = stripRootDot(request.url.origin);
  return (
    key.includes(` ${origin}/`) && !key.startsWith(`${origin} `) && key.endsWith(` ${wayOf(request, proxy)}`)
  );
}

function namedScope(hint: Hint | undefined): string | undefined {
  return hint?.scope === hostWide ? undefined : hint?.scope;
}

function quotaKeys(limited: LimitedRequest, { scope }: Quota): readonly string[] {
  return scope === undefined ? [limiterKey(limited), routeKey(limited)] : [limiterKey(limited, scope)];
}

/** Returns the quota that the hint of the response is about. */
function spentQuota({ quotas, accepted, hint }: LimitReport, scope: string | undefined): Quota | undefined {
  const quota = quotas.find((one) => one.scope === scope);
  if (quota === undefined || (accepted && quota.remaining > 0)) return undefined;
  // A server may ask for more than the reset, as a penalty.
  const requested = hint?.delay ?? 0;
  return requested > quota.delay + second ? { ...quota, delay: requested } : quota;
}

/** Returns the pause of a limit. A requested delay of 0 does not replace the back-off. */
function pauseOf({ hint, delay }: LimitReport): number {
  return hint?.delay !== undefined && hint.delay > 0 ? hint.delay : delay;
}

/** A Unix socket takes the place of the host and the proxy. */
function wayOf({ socketPath }: HttpRequest, proxy: string): string {
  return socketPath === undefined ? proxy : `unix:${socketPath}`;
}
