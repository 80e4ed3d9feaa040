import type { Clock } from "@holdfast/policy";
import type { HttpRequest } from "../model/request.ts";
import type { Hint } from "../retry/dialects/dialect.ts";
import { Limiter, type WaitBounds } from "./limiter.ts";
import { freePace } from "./pace.ts";
import { countAccepted, emptyTally, type Tally } from "./tally.ts";

/** Whose request it is: what the server limits. */
export interface LimitedRequest {
  readonly request: HttpRequest;
  /** The proxy that it goes through: another address is another client to most servers. */
  readonly proxy: string | undefined;
}

/** An answer that says something of a limit. */
export interface LimitReport extends LimitedRequest {
  readonly hint: Hint | undefined;
  /** When the request left, on the clock. */
  readonly leftAt: number;
  /** The pause that follows where the server names none, or 0, in milliseconds. */
  readonly delay: number;
  /** Whether the request was accepted all the same. */
  readonly accepted: boolean;
  /** Whether the server speaks of trouble, rather than of a limit. */
  readonly trouble: boolean;
}

// Fewer gates are not worth a look; more routes are not worth remembering.
const manyGates = 1_024;
const maxRoutes = 1_000;
const hostWide = "global";

/**
 * The limits that a session has met: one gate for each bucket that a server names, else one for its host. Until a server
 * says stop there is none, and nothing is held up.
 */
export class Limiters {
  readonly #clock: Clock;
  readonly #gates = new Map<string, Limiter>();
  /** The buckets that a route is known to draw on, and each host's bucket that said stop last. */
  readonly #buckets = new Map<string, readonly string[]>();
  #closed: { readonly reason: Error } | undefined;
  /** What was accepted by the second that began at its `secondAt`. */
  #tally: Tally;
  /** What was accepted since, not yet in the tally: a sum costs a request a tenth of what a new tally does. */
  #uncounted = 0;
  #sweepAt = manyGates;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#tally = emptyTally(clock.now());
  }

  /** Whether no limit has been met. */
  get isEmpty(): boolean {
    return this.#gates.size === 0;
  }

  /**
   * Lets a request pass when its turn has come, and gives the gates that it has passed: they want to know when it has
   * `returned`.
   *
   * @throws as `Gate.pass` does.
   */
  async acquire(passenger: LimitedRequest, patience: WaitBounds): Promise<readonly Limiter[]> {
    if (this.#closed !== undefined) throw this.#closed.reason;
    const passed: Limiter[] = [];
    try {
      for (;;) {
        // Looked for anew each time: while one waits at a gate, another may be put up.
        const next = this.#onTheWayOf(passenger).find((gate) => !passed.includes(gate));
        if (next === undefined) return passed;
        await next.acquire(patience);
        passed.push(next);
      }
    } catch (error) {
      for (const gate of passed) gate.release();
      throw error;
    }
  }

  /** Takes note that a request which left at `leftAt` was accepted. */
  recordAccepted(passenger: LimitedRequest, leftAt: number, now: number): void {
    if (now - this.#tally.secondAt < 1_000) this.#uncounted += 1;
    else this.#tally = countAccepted(this.#whole, now);
    if (this.#gates.size > 0) for (const gate of this.#onTheWayOf(passenger)) gate.recordAccepted(leftAt);
  }

  /** Takes note of the buckets that an answer names: those that its route draws on. */
  recordBuckets(passenger: LimitedRequest, buckets: readonly string[]): void {
    if (buckets.length > 0) this.#draw(routeKey(passenger), buckets);
  }

  /** Takes note of what an answer says of a limit. */
  recordLimit({ hint, leftAt, delay, accepted, trouble, ...passenger }: LimitReport): void {
    const scope = hint?.scope === hostWide ? undefined : hint?.scope;
    if (scope !== undefined) this.#drawAlso(passenger, scope);
    const asked = hint?.delay !== undefined;
    // Told to come back at once, one backs off all the same.
    const pause = asked && hint.delay > 0 ? hint.delay : delay;
    const limit = hint?.limit;
    this.#gateOf(limiterKey(passenger, scope)).recordLimit({
      leftAt,
      delay: pause,
      asked,
      accepted,
      trouble,
      limit,
    });
  }

  /** Turns away all who wait. */
  close(reason: Error): void {
    this.#closed = { reason };
    for (const gate of this.#gates.values()) gate.close(reason);
  }

  /** The tally with all that was accepted. */
  get #whole(): Tally {
    const { accepted, thisSecond } = this.#tally;
    const more = this.#uncounted;
    this.#uncounted = 0;
    this.#tally = { ...this.#tally, accepted: accepted + more, thisSecond: thisSecond + more };
    return this.#tally;
  }

  #onTheWayOf(passenger: LimitedRequest): readonly Limiter[] {
    const host = limiterKey(passenger);
    // Of a route that was not asked yet, the bucket is guessed: the one of its host that said stop last.
    const buckets = this.#buckets.get(routeKey(passenger)) ?? this.#buckets.get(host) ?? [];
    const keys = [host, ...buckets.map((bucket) => limiterKey(passenger, bucket))];
    return keys.map((key) => this.#gates.get(key)).filter((gate) => gate !== undefined);
  }

  #gateOf(key: string): Limiter {
    const known = this.#gates.get(key);
    if (known !== undefined) return known;
    if (this.#gates.size >= this.#sweepAt) this.#sweep();
    const made = new Limiter(this.#clock, freePace(this.#whole));
    this.#gates.set(key, made);
    return made;
  }

  #drawAlso(passenger: LimitedRequest, scope: string): void {
    const route = routeKey(passenger);
    const known = this.#buckets.get(route) ?? [];
    this.#draw(route, known.includes(scope) ? known : [...known, scope]);
    this.#draw(limiterKey(passenger), [scope]);
  }

  #draw(key: string, buckets: readonly string[]): void {
    this.#buckets.delete(key);
    this.#buckets.set(key, buckets);
    if (this.#buckets.size <= maxRoutes) return;
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }

  #sweep(): void {
    for (const [key, gate] of this.#gates) if (gate.isIdle) this.#gates.delete(key);
    this.#sweepAt = Math.max(manyGates, 2 * this.#gates.size);
  }
}

function limiterKey({ request, proxy = "" }: LimitedRequest, scope = ""): string {
  return `${request.url.origin} ${proxy} ${scope}`;
}

function routeKey({ request, proxy = "" }: LimitedRequest): string {
  const { method, url } = request;
  return `${method} ${url.origin}${url.pathname} ${proxy}`;
}
