import { DeadlineExceededError } from "@holdfast/policy";
import type {
  LeaseRequest,
  ProxyAttemptRecord,
  ProxyLease,
  ProxyProvider,
  ProxyRequest,
  Verdict,
} from "@holdfast/http";
import { findBlock, toProxyOutcome, type AttemptOutcome } from "./attempt-outcome.ts";
import { LeaseReports } from "./lease-reports.ts";
import type { Selection } from "./selector.ts";
import { withDeadline } from "./with-deadline.ts";
import { Lease } from "./lease.ts";
import type { PoolLease } from "../options/pool-lease.ts";
import type { PoolSnapshot } from "../options/pool-snapshot.ts";
import {
  nextCheckAt,
  noProxyError,
  noSourceError,
  sourceCheckInterval,
  type NoProxyAvailable,
} from "./no-proxy.ts";
import { createComponents, type PoolComponents } from "./components.ts";
import type { ProxyPoolOptions, ProxySource, ProxyTier } from "../options/options.ts";
import { resolveSettings, resolveTiers } from "../options/settings.ts";
import type { ProxyPoolStats } from "../options/pool-stats.ts";
import { toPoolStats } from "./stats.ts";
import { leaseUrl } from "./lease-url.ts";

const sweepEvery = 10_000;

/**
 * Proxies, and what is known of them: which one serves the next request, which ones rest and for which host, and who
 * keeps which identity. One pool may serve several sessions. It holds nothing open, so that it need not be closed.
 */
export class ProxyPool implements ProxyProvider {
  readonly #parts: PoolComponents;
  readonly #desk: LeaseReports;
  #sweptAt: number;

  /** @throws TypeError or RangeError for a source or an option that is none, or a bad proxy in a list; nothing is quoted. */
  constructor(
    source: ProxySource | { readonly tiers: readonly ProxyTier[] },
    options: ProxyPoolOptions = {},
  ) {
    const settings = resolveSettings(options);
    this.#sweptAt = settings.clock.now();
    this.#parts = createComponents(settings, resolveTiers(source));
    this.#desk = new LeaseReports(this.#parts);
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
  async lease(request: LeaseRequest): Promise<PoolLease> {
    const { rosters, finder } = this.#parts;
    for (;;) {
      const started = rosters.started();
      if (started !== undefined) await this.#started(started, request);
      this.#housekeeping();
      const found = finder.select(request);
      const lease =
        "availableAt" in found ? await this.#wait(found, request) : await this.#open(found, request);
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
  async wait(
    request: LeaseRequest,
    { delay, availableIn }: { readonly delay: number; readonly availableIn: number },
  ): Promise<boolean> {
    const { settings, rosters, sleepers, events } = this.#parts;
    const { clock = settings.clock, signal } = request;
    const began = clock.now();
    const [freeAt, end] = [began + availableIn, began + delay];
    for (let now = began; now < end; now = clock.now()) {
      this.#housekeeping();
      events.flush();
      if (now < freeAt && this.#isFitFor(request)) return true;
      const lookAt = rosters.changes && now < freeAt ? Math.min(end, now + sourceCheckInterval) : end;
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

  report(lease: ProxyLease, record: ProxyAttemptRecord): Verdict | undefined | Promise<Verdict | undefined> {
    if (!(lease instanceof Lease)) throw new TypeError("ProxyPool.report takes a lease of a ProxyPool");
    if (lease.isReported) {
      lease.reportBrokenBody(toProxyOutcome(record).outcome);
      return undefined;
    }
    const { isBlocked } = this.#parts.settings;
    const { response } = record;
    if (isBlocked !== undefined && response !== undefined)
      return findBlock(response, isBlocked).then((blocked) =>
        reportTo(lease, blocked ?? toProxyOutcome(record)),
      );
    return reportTo(lease, toProxyOutcome(record));
  }

  /** How the proxies, the tiers and the identities do. */
  stats(): ProxyPoolStats {
    const { settings, rosters, hosts, tiers, keeper } = this.#parts;
    return toPoolStats({
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
  onRelease(forget: (proxy: string) => void): () => void {
    return this.#parts.forgetting.listen(forget);
  }

  #isFitFor(request: ProxyRequest): boolean {
    const { settings, hosts, finder } = this.#parts;
    return finder.availableIn(request, hosts.use(request.url.host, settings.clock.now())) === 0;
  }

  async #open(taken: Selection, request: LeaseRequest): Promise<Lease | undefined> {
    const { settings, forgetting } = this.#parts;
    const { member, identity } = taken;
    const began = settings.clock.now();
    const lease = (proxy: string): Lease =>
      new Lease({ ...taken, request, url: proxy, began, owner: this.#desk });
    const proxy = await this.#urlOf(taken, request).catch((error: unknown) => {
      lease("")[Symbol.dispose]();
      throw error;
    });
    if (proxy !== undefined) {
      forgetting.setUrl(identity ?? member, proxy);
      return lease(proxy);
    }
    // Who does not say who we are is not gone through: another one is.
    lease("").report({ kind: "proxy-failed", reason: "proxy-credentials" });
    return undefined;
  }

  /** The URL of a proxy; undefined where it cannot be made, or its credentials are not given. */
  async #urlOf({ member, identity }: Selection, request: LeaseRequest): Promise<string | undefined> {
    try {
      const url = leaseUrl(member, identity, request.country);
      if (typeof url === "string") return url;
      const given = url.catch(() => undefined);
      return this.#inTime(given, request, `The credentials of ${member.label}`);
    } catch {
      return undefined;
    }
  }

  /** Waits for somebody, where that is wanted and there is time. */
  async #wait({ availableAt: freeAt, host }: NoProxyAvailable, request: LeaseRequest): Promise<undefined> {
    const { settings, rosters, sleepers, events } = this.#parts;
    const { deadline = Infinity, signal, country } = request;
    const { clock, waitsWhenEmpty: waits } = settings;
    const now = clock.now();
    const lookAt = nextCheckAt(freeAt, { now, deadline, waits, changes: rosters.changes });
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
    return withDeadline(given, { left, clock: request.clock ?? clock, signal, late });
  }

  #housekeeping(): void {
    const { settings, rosters, keeper, hosts, clinic } = this.#parts;
    rosters.refresh(0);
    const now = settings.clock.now();
    if (now - this.#sweptAt < sweepEvery) return;
    this.#sweptAt = now;
    keeper.sweep();
    hosts.sweep(now);
    clinic.releaseLostProbes(rosters, hosts);
  }
}

function reportTo(lease: Lease, { outcome, verdict }: AttemptOutcome): Verdict | undefined {
  lease.report(outcome);
  return verdict;
}
