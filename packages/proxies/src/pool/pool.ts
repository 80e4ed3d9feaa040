import { DeadlineExceededError } from "@holdfast/policy";
import type {
  LeaseRequest,
  ProxyAttemptRecord,
  ProxyLease,
  ProxyProvider,
  ProxyRequest,
  Verdict,
} from "@holdfast/http";
import { findBlock, toProxyOutcome, type OutcomeWithVerdict } from "./attempt-outcome.ts";
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

const sweepInterval = 10_000;

/**
 * A pool of proxies for one or more sessions. It chooses a proxy for each attempt, tracks the health of each proxy per
 * host, and keeps sticky identities. A pool holds no connection and no timer, so it needs no `close`.
 *
 * ```ts
 * const session = new Session({ proxy: new ProxyPool({ file: "proxies.txt" }, { cooldown: "1m" }) });
 * ```
 */
export class ProxyPool implements ProxyProvider {
  readonly #components: PoolComponents;
  readonly #leaseReports: LeaseReports;
  #sweptAt: number;

  /** @throws TypeError or RangeError for an invalid source, option or proxy; the message quotes nothing of a proxy. */
  constructor(
    source: ProxySource | { readonly tiers: readonly ProxyTier[] },
    options: ProxyPoolOptions = {},
  ) {
    const settings = resolveSettings(options);
    this.#sweptAt = settings.clock.now();
    this.#components = createComponents(settings, resolveTiers(source));
    this.#leaseReports = new LeaseReports(this.#components);
    this.#components.events.flush();
  }

  /** The number of proxies in the pool. */
  get size(): number {
    return this.#components.roster.size;
  }

  /**
   * Waits for the first reading of each source, and for a reading in progress. Resolves to the pool.
   *
   * @throws the errors of a source; TypeError that names the place of an invalid proxy.
   */
  async ready(): Promise<this> {
    await this.#components.roster.settled();
    this.#components.events.flush();
    return this;
  }

  /** Returns whether requests to a URL use the pool. Only `no_proxy` of an `{ environment }` source exempts URLs. */
  covers(url: URL): boolean {
    return this.#components.roster.covers(url);
  }

  /**
   * Returns a proxy for one attempt.
   *
   * @throws NoProxyError if no proxy is available in time, or if a source fails at the start (then with the cause);
   * DeadlineExceededError if a source or the credentials of a proxy are late; the signal's reason.
   */
  async lease(request: LeaseRequest): Promise<PoolLease> {
    const { roster, selector } = this.#components;
    for (;;) {
      const started = roster.started();
      if (started !== undefined) await this.#waitForSources(started, request);
      this.#maintain();
      const found = selector.select(request);
      const lease =
        "availableAt" in found ? await this.#waitForProxy(found, request) : await this.#open(found, request);
      this.#components.events.flush();
      if (lease !== undefined) return lease;
    }
  }

  /**
   * Waits for `delay` milliseconds. Resolves earlier, to true, when a proxy becomes available before `availableIn`
   * milliseconds: because a source added one, or because the blame of one was cleared.
   *
   * @throws the signal's reason; the errors of the clock's sleep.
   */
  async wait(
    request: LeaseRequest,
    { delay, availableIn }: { readonly delay: number; readonly availableIn: number },
  ): Promise<boolean> {
    const { settings, roster, waiters, events } = this.#components;
    const { clock = settings.clock, signal } = request;
    const began = clock.now();
    const [availableAt, end] = [began + availableIn, began + delay];
    for (let now = began; now < end; now = clock.now()) {
      this.#maintain();
      events.flush();
      if (now < availableAt && this.#isAvailableFor(request)) return true;
      const checkAt = roster.canChange && now < availableAt ? Math.min(end, now + sourceCheckInterval) : end;
      await waiters.sleep(checkAt - now, { clock, signal });
    }
    return false;
  }

  /** Records the result of an attempt and returns the proxy, as `ProxyProvider` describes. */
  report(lease: ProxyLease, record: ProxyAttemptRecord): Verdict | undefined | Promise<Verdict | undefined> {
    if (!(lease instanceof Lease)) throw new TypeError("ProxyPool.report takes a lease of a ProxyPool");
    const { isForwarded } = lease;
    if (lease.isReported) {
      lease.reportBrokenBody(toProxyOutcome(record, isForwarded).outcome);
      return undefined;
    }
    const { isBlocked } = this.#components.settings;
    const { response } = record;
    if (isBlocked === undefined || response === undefined)
      return reportOutcome(lease, record, toProxyOutcome(record, isForwarded));
    return findBlock(response, isBlocked).then((block) =>
      reportOutcome(lease, record, block ?? toProxyOutcome(record, isForwarded)),
    );
  }

  /**
   * Starts to read the sources that are due, without waiting for them. Returns how many proxies have joined so far, so
   * that a caller can notice new ones.
   */
  refresh(): number {
    this.#maintain();
    this.#components.events.flush();
    return this.#components.roster.arrivals;
  }

  /** Returns the statistics of the proxies, the tiers and the identities. */
  stats(): ProxyPoolStats {
    const { settings, roster, hosts, tiers, identities } = this.#components;
    return toPoolStats({
      members: [...roster],
      hosts: [...hosts],
      tiers: tiers.counts,
      identities: identities.size,
      rule: settings.rule,
      clock: settings.clock,
    });
  }

  /** Returns the health of the proxies as plain data without credentials, for `restore`. */
  snapshot(): PoolSnapshot {
    return this.#components.snapshots.current;
  }

  /** Restores cooldowns from a snapshot, also for proxies that join later. Ignores a value that is not a snapshot. */
  restore(snapshot: unknown): void {
    this.#components.snapshots.restore(snapshot);
  }

  /** Calls `listener` when a cooldown begins or ends, so the snapshot has changed. Returns a function that stops it. */
  onCooldown(listener: () => void): () => void {
    return this.#components.health.onChange(listener);
  }

  /** Calls `listener` with each proxy URL whose connections can be closed. Returns a function that stops it. */
  onRelease(listener: (proxyUrl: string) => void): () => void {
    return this.#components.connections.listen(listener);
  }

  #isAvailableFor(request: ProxyRequest): boolean {
    const { settings, hosts, selector } = this.#components;
    return selector.availableIn(request, hosts.use(request.url.host, settings.clock.now())) === 0;
  }

  async #open(selection: Selection, request: LeaseRequest): Promise<Lease | undefined> {
    const { settings, connections } = this.#components;
    const { member, identity } = selection;
    const began = settings.clock.now();
    const createLease = (url: string): Lease =>
      new Lease({ ...selection, request, url, began }, this.#leaseReports);
    const url = await this.#createUrl(selection, request).catch((error: unknown) => {
      createLease("")[Symbol.dispose]();
      throw error;
    });
    if (url !== undefined) {
      connections.setUrl(identity ?? member, url);
      return createLease(url);
    }
    // Without credentials the proxy is unusable: the caller's loop selects another one.
    createLease("").report({ kind: "proxy-failed", reason: "proxy-credentials" });
    return undefined;
  }

  /** Creates the URL of a proxy; undefined if its template or its credentials callback fails. */
  async #createUrl({ member, identity }: Selection, request: LeaseRequest): Promise<string | undefined> {
    try {
      const url = leaseUrl(member, identity, request.country);
      if (typeof url === "string") return url;
      const given = url.catch(() => undefined);
      return this.#waitForUser(given, request, `The credentials of ${member.label}`);
    } catch {
      return undefined;
    }
  }

  /** Waits for a proxy if the pool waits and there is time. */
  async #waitForProxy({ availableAt, host }: NoProxyAvailable, request: LeaseRequest): Promise<undefined> {
    const { settings, roster, waiters, events } = this.#components;
    const { deadline = Infinity, signal, country } = request;
    const { clock, waitsWhenEmpty } = settings;
    const now = clock.now();
    const checkAt = nextCheckAt(availableAt, { now, deadline, waitsWhenEmpty, canChange: roster.canChange });
    if (checkAt !== undefined && request.mayWait !== false) {
      events.flush();
      await waiters.sleep(checkAt - now, { clock: request.clock ?? clock, signal });
      return undefined;
    }
    const retryAt = Math.ceil(clock.date() + availableAt - now);
    events.add({ type: "empty", host: host.name, retryAt });
    events.flush();
    throw noProxyError(host, retryAt, { members: roster, country });
  }

  #waitForSources(started: Promise<void>, request: LeaseRequest): Promise<void> {
    const read = started.catch((error: unknown) => {
      throw noSourceError(request.url.host, error);
    });
    return this.#waitForUser(read, request, "The proxies of the source");
  }

  /** Waits for a promise of the user until the deadline of the request. */
  #waitForUser<T>(
    promise: Promise<T>,
    { url, signal, deadline = Infinity, total, clock: sessionClock }: LeaseRequest,
    subject: string,
  ): Promise<T> {
    const { clock } = this.#components.settings;
    const timeLeft = deadline - clock.now();
    const timeoutError = (): Error => {
      const cause = new Error(`${subject} for ${url.host} did not arrive in time`);
      return new DeadlineExceededError(total ?? timeLeft, { cause });
    };
    return withDeadline(promise, { timeLeft, clock: sessionClock ?? clock, signal, timeoutError });
  }

  /** Reads due sources and, every 10 seconds, forgets idle hosts and identities and lost probes. */
  #maintain(): void {
    const { settings, roster, identities, hosts, health } = this.#components;
    roster.refresh({ unavailable: health.unavailable, cooldowns: 0 });
    const now = settings.clock.now();
    if (now - this.#sweptAt < sweepInterval) return;
    this.#sweptAt = now;
    identities.sweep();
    hosts.sweep(now);
    health.releaseLostProbes(roster, hosts);
  }
}

function reportOutcome(
  lease: Lease,
  { testTunnel }: ProxyAttemptRecord,
  { outcome, verdict }: OutcomeWithVerdict,
): Verdict | undefined | Promise<undefined> {
  if (outcome.kind === "proxy-suspected" && testTunnel !== undefined)
    return lease.reportSuspicion(outcome, testTunnel).then(() => undefined);
  lease.report(outcome);
  return verdict;
}
