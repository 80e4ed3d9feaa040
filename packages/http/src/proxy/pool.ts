import type { Clock } from "@holdfast/policy";
import { Desk } from "./desk.ts";
import type { Taken } from "./finder.ts";
import { Lease } from "./lease.ts";
import { looksAgainAt, noProxyError, type Nobody } from "./nobody.ts";
import { partsOf, type PoolParts } from "./parts.ts";
import type { IsBlocked, ProxyPoolOptions, ProxyRequest, ProxyTier } from "./pool-options.ts";
import { settingsOf, tiersOf } from "./settings.ts";
import type { ProxySource } from "./sources.ts";
import { statsOf, type ProxyPoolStats } from "./stats.ts";
import { urlFor } from "./url-for.ts";

/** A request for a proxy, and how long there is to find one. */
export interface LeaseRequest extends ProxyRequest {
  readonly signal?: AbortSignal | undefined;
  /** The instant on the pool's clock by which it has to be there. */
  readonly deadline?: number;
  /** What to wait by, where it has to be waited for; its time is the pool's. @default the pool's */
  readonly clock?: Clock;
}

const sweepEvery = 10_000;

/**
 * Proxies, and what is known of them: which one serves the next request, which ones rest and for which host, and who
 * keeps which identity. One pool may serve several sessions. It holds nothing open, so that it need not be closed.
 */
export class ProxyPool {
  readonly #parts: PoolParts;
  readonly #desk: Desk;
  #sweptAt: number;

  /** @throws TypeError or RangeError for a source or an option that is none, or a bad proxy in a list; nothing is quoted. */
  constructor(
    source: ProxySource | { readonly tiers: readonly ProxyTier[] },
    options: ProxyPoolOptions = {},
  ) {
    const settings = settingsOf(options);
    this.#sweptAt = settings.clock.now();
    this.#parts = partsOf(settings, tiersOf(source));
    this.#desk = new Desk(this.#parts);
    this.#parts.events.flush();
  }

  /** How many proxies there are. */
  get size(): number {
    return this.#parts.rosters.size;
  }

  /**
   * Waits until the proxies are known, where they come from a file or a function, and for a reading under way.
   *
   * @throws what the source throws, and TypeError that names the place of a bad proxy.
   */
  async ready(): Promise<this> {
    await this.#parts.rosters.settled();
    this.#parts.events.flush();
    return this;
  }

  /** Whether requests to a URL go through the pool: all but those that `no_proxy` exempts, where the proxies come from the environment. */
  covers(url: URL): boolean {
    return this.#parts.rosters.covers(url);
  }

  /**
   * Gives a proxy for one attempt.
   *
   * @throws NoProxyError when none is fit, and none will be in time; the signal's reason; what a source throws.
   */
  async lease(request: LeaseRequest): Promise<Lease> {
    const { rosters, finder } = this.#parts;
    for (;;) {
      await rosters.started();
      this.#housekeeping();
      const found = finder.find(request);
      const lease = "freeAt" in found ? await this.#wait(found, request) : await this.#open(found, request);
      if (lease !== undefined) return this.#told(lease);
    }
  }

  /** Whether its owner calls an answer a block; undefined where he has no say. The session's own. */
  get isBlocked(): IsBlocked | undefined {
    return this.#parts.settings.isBlocked;
  }

  /** How the proxies, the tiers and the identities do. */
  stats(): ProxyPoolStats {
    const { settings, rosters, hosts, tiers, keeper } = this.#parts;
    return statsOf({
      members: [...rosters],
      hosts: [...hosts],
      tiers: tiers.counts,
      identities: keeper.size,
      rule: settings.rule,
      clock: settings.clock,
    });
  }

  /** Hears of each proxy URL whose connections are of no more use, until what it gives back is called; the session's own. */
  onForget(forget: (proxy: string) => void): () => void {
    return this.#parts.forgetting.listen(forget);
  }

  async #open(taken: Taken, request: LeaseRequest): Promise<Lease | undefined> {
    const { settings, forgetting } = this.#parts;
    const { member, identity } = taken;
    const began = settings.clock.now();
    const lease = (proxy: string): Lease => new Lease({ ...taken, request, proxy, began, desk: this.#desk });
    try {
      const url = urlFor(member, identity, request.country);
      const proxy = typeof url === "string" ? url : await url;
      forgetting.note(identity ?? member, proxy);
      return lease(proxy);
    } catch {
      // Who does not say who we are is not gone through: another one is.
      lease("").report({ kind: "proxy-failed", reason: "proxy-credentials" });
      return undefined;
    }
  }

  /** Waits for somebody, where that is wanted and there is time. */
  async #wait({ freeAt, host }: Nobody, request: LeaseRequest): Promise<undefined> {
    const { settings, rosters, sleepers, events } = this.#parts;
    const { deadline = Infinity, signal, country } = request;
    const { clock, waits } = settings;
    const now = clock.now();
    const lookAt = looksAgainAt(freeAt, { now, deadline, waits, changes: rosters.changes });
    if (lookAt !== undefined) {
      events.flush();
      await sleepers.sleep(lookAt - now, { clock: request.clock ?? clock, signal });
      return undefined;
    }
    const retryAt = Math.ceil(clock.date() + freeAt - now);
    events.add({ type: "empty", host: host.name, retryAt });
    events.flush();
    throw noProxyError(host, retryAt, { members: rosters, country });
  }

  #housekeeping(): void {
    const { settings, rosters, keeper, hosts, clinic } = this.#parts;
    rosters.refresh(0);
    const now = settings.clock.now();
    if (now - this.#sweptAt < sweepEvery) return;
    this.#sweptAt = now;
    keeper.sweep();
    hosts.sweep(now);
    clinic.sweep(rosters, hosts);
  }

  /** A lease that all have heard of; where a listener does not want it, it goes back. */
  #told(lease: Lease): Lease {
    try {
      this.#parts.events.flush();
      return lease;
    } catch (error) {
      lease[Symbol.dispose]();
      throw error;
    }
  }
}
