import { DeadlineExceededError, type Clock } from "@holdfast/policy";
import { Desk } from "./lease-reports.ts";
import type { Taken } from "./selector.ts";
import { inTime } from "./with-deadline.ts";
import { Lease } from "./lease.ts";
import type { PoolSnapshot } from "./snapshot.ts";
import { looksAgainAt, noProxyError, noSourceError, sourceWait, type Nobody } from "./no-proxy.ts";
import { partsOf, type PoolParts } from "./components.ts";
import type {
  IsBlocked,
  ProxyPoolOptions,
  ProxyRequest,
  ProxySource,
  ProxyTier,
} from "../options/options.ts";
import { settingsOf, tiersOf } from "../options/settings.ts";
import { statsOf, type ProxyPoolStats } from "./stats.ts";
import { urlFor } from "./lease-url.ts";

/** A request for a proxy, and how long there is to find one. */
export interface LeaseRequest extends ProxyRequest {
  readonly signal?: AbortSignal | undefined;
  /** The instant on the pool's clock by which it has to be there. */
  readonly deadline?: number;
  /** How long the whole call may take, in milliseconds, for the error that says that it took longer. @default what is left of it */
  readonly total?: number;
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
   * @throws NoProxyError when none is fit, and none will be in time, or with the cause where a source fails at the start;
   * DeadlineExceededError when a source or a proxy's credentials are not there by the deadline; the signal's reason.
   */
  async lease(request: LeaseRequest): Promise<Lease> {
    const { rosters, finder } = this.#parts;
    for (;;) {
      const started = rosters.started();
      if (started !== undefined) await this.#started(started, request);
      this.#housekeeping();
      const found = finder.find(request);
      const lease = "freeAt" in found ? await this.#wait(found, request) : await this.#open(found, request);
      this.#parts.events.flush();
      if (lease !== undefined) return lease;
    }
  }

  /**
   * Waits for `delay` milliseconds, or until a proxy is fit for a request sooner than in `freeIn` milliseconds, when the
   * first was expected to be: a new one came, or another one is not blamed any more. Sources whose time comes are read
   * again meanwhile. Says whether one is fit sooner.
   *
   * @throws the signal's reason; what the clock's sleep throws.
   */
  async sooner(
    request: LeaseRequest,
    { delay, freeIn }: { readonly delay: number; readonly freeIn: number },
  ): Promise<boolean> {
    const { settings, rosters, sleepers, events } = this.#parts;
    const { clock = settings.clock, signal } = request;
    const began = clock.now();
    const [freeAt, end] = [began + freeIn, began + delay];
    for (let now = began; now < end; now = clock.now()) {
      this.#housekeeping();
      events.flush();
      if (now < freeAt && this.#isFitFor(request)) return true;
      const lookAt = rosters.changes && now < freeAt ? Math.min(end, now + sourceWait) : end;
      await sleepers.sleep(lookAt - now, { clock, signal });
    }
    return false;
  }

  /** Reads the sources again whose time has come, without waiting for them; says how many proxies have come in so far. */
  refresh(): number {
    this.#housekeeping();
    this.#parts.events.flush();
    return this.#parts.rosters.arrivals;
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

  /** What is known of the health of the proxies, to be kept and recalled: plain data, without credentials. */
  snapshot(): PoolSnapshot {
    return this.#parts.remembrance.memory;
  }

  /** Lets proxies rest on that rested when a memory was made, those that come in later too; what is no memory is left alone. */
  restore(memory: unknown): void {
    this.#parts.remembrance.recall(memory);
  }

  /** Hears, until what it gives back is called, that a rest began or ended, so that the memory is another one. */
  onCooldown(listener: () => void): () => void {
    const hear = (): void => listener();
    this.#parts.healthListeners.add(hear);
    return () => void this.#parts.healthListeners.delete(hear);
  }

  /** Hears of each proxy URL whose connections are of no more use, until what it gives back is called; the session's own. */
  onForget(forget: (proxy: string) => void): () => void {
    return this.#parts.forgetting.listen(forget);
  }

  #isFitFor(request: ProxyRequest): boolean {
    const { settings, hosts, finder } = this.#parts;
    return finder.freeIn(request, hosts.use(request.url.host, settings.clock.now())) === 0;
  }

  async #open(taken: Taken, request: LeaseRequest): Promise<Lease | undefined> {
    const { settings, forgetting } = this.#parts;
    const { member, identity } = taken;
    const began = settings.clock.now();
    const lease = (proxy: string): Lease => new Lease({ ...taken, request, proxy, began, desk: this.#desk });
    const proxy = await this.#urlOf(taken, request).catch((error: unknown) => {
      lease("")[Symbol.dispose]();
      throw error;
    });
    if (proxy !== undefined) {
      forgetting.note(identity ?? member, proxy);
      return lease(proxy);
    }
    // Who does not say who we are is not gone through: another one is.
    lease("").report({ kind: "proxy-failed", reason: "proxy-credentials" });
    return undefined;
  }

  /** The URL of a proxy; undefined where it cannot be made, or its credentials are not given. */
  async #urlOf({ member, identity }: Taken, request: LeaseRequest): Promise<string | undefined> {
    try {
      const url = urlFor(member, identity, request.country);
      if (typeof url === "string") return url;
      const given = url.catch(() => undefined);
      return this.#inTime(given, request, `The credentials of ${member.label}`);
    } catch {
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

  /** Waits for the first reading of the sources. */
  #started(started: Promise<void>, request: LeaseRequest): Promise<void> {
    const read = started.catch((error: unknown) => {
      throw noSourceError(request.url.host, error);
    });
    return this.#inTime(read, request, "The proxies of the source");
  }

  /** Waits for a function of the caller's, for as long as the request may. */
  #inTime<T>(
    given: Promise<T>,
    { url, signal, deadline = Infinity, ...request }: LeaseRequest,
    what: string,
  ): Promise<T> {
    const { clock } = this.#parts.settings;
    const left = deadline - clock.now();
    const late = (): Error => {
      const cause = new Error(`${what} for ${url.host} were not there in time`);
      return new DeadlineExceededError(request.total ?? left, { cause });
    };
    return inTime(given, { left, clock: request.clock ?? clock, signal, late });
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
}
