import type { Clock } from "@holdfast/policy";
import { summaryOf } from "../attempt-record.ts";
import { tellProxy } from "../channels.ts";
import { NoProxyError } from "../errors.ts";
import { callsForAnother, mayBeOrigin } from "./blame.ts";
import { Clinic } from "./clinic.ts";
import { bypasses } from "./environment.ts";
import type { ProxyEvent } from "./events.ts";
import { Forgetting } from "./forgetting.ts";
import { isRetired } from "./health.ts";
import { forgetAt, healthAt, Hosts, type Host } from "./hosts.ts";
import type { Identity } from "./identity.ts";
import { Keeper } from "./keeper.ts";
import { Lease, type LeaseTerms, type Prospect } from "./lease.ts";
import { Lines } from "./lines.ts";
import type { Member } from "./member.ts";
import type { ProxyOutcome } from "./outcome.ts";
import type { ProxyPoolOptions, ProxyRequest, ProxyTier } from "./pool-options.ts";
import { Roster, type RosterListener } from "./roster.ts";
import { settingsOf, tiersOf, type PoolSettings } from "./settings.ts";
import { Sleepers } from "./sleepers.ts";
import { readerOf, type ProxySource } from "./sources.ts";
import { statsOf, whyNobody, type ProxyPoolStats } from "./stats.ts";
import { TierBook } from "./tier-book.ts";
import { urlFor } from "./url-for.ts";

/** A request for a proxy, and how long there is to find one. */
export interface LeaseRequest extends ProxyRequest {
  readonly signal?: AbortSignal | undefined;
  /** The instant on the pool's clock by which it has to be there. */
  readonly deadline?: number;
  /** What to wait by, where it has to be waited for; its time is the pool's. @default the pool's */
  readonly clock?: Clock;
}

/** Who was found for a request. */
interface Taken {
  readonly member: Member;
  readonly host: Host;
  readonly identity: Identity | undefined;
}

/** When somebody will be there, where nobody was found. */
interface Nobody {
  readonly host: Host;
  readonly freeAt: number;
}

// Hosts are remembered for as long as a crawl needs to come back to them.
const maxHosts = 10_000;
const hostIdle = 600_000;
const sweepEvery = 10_000;
// How long a request sleeps before it looks whether a source has new proxies.
const sourceWait = 1_000;

/**
 * Proxies, and what is known of them: which one serves the next request, which ones rest and for which host, and who
 * keeps which identity. One pool may serve several sessions. It holds nothing open, so that it need not be closed.
 */
export class ProxyPool {
  readonly #settings: PoolSettings;
  readonly #rosters: readonly Roster[];
  readonly #clinic: Clinic;
  readonly #hosts = new Hosts(maxHosts, hostIdle);
  readonly #lines: Lines;
  readonly #tiers: TierBook;
  readonly #keeper: Keeper;
  readonly #sleepers = new Sleepers();
  readonly #forgetting = new Forgetting();
  #events: ProxyEvent[] = [];
  /** Where leases come back to. */
  readonly #desk: Pick<LeaseTerms, "settle" | "prospect" | "broke"> = {
    settle: (lease, outcome) => this.#settle(lease, outcome),
    prospect: (lease, blamed) => this.#prospect(lease, blamed),
    broke: (lease, outcome) => this.#broke(lease, outcome),
  };
  #served = 0;
  #sweptAt: number;

  /** @throws TypeError or RangeError for a source or an option that is none, or a bad proxy in a list; nothing is quoted. */
  constructor(
    source: ProxySource | { readonly tiers: readonly ProxyTier[] },
    options: ProxyPoolOptions = {},
  ) {
    const settings = settingsOf(options);
    const { clock, random, rule, alike, rotate, userAgents } = settings;
    const tiers = tiersOf(source);
    const tell = (event: ProxyEvent): void => void this.#events.push(event);
    this.#settings = settings;
    this.#sweptAt = clock.now();
    this.#clinic = new Clinic({ rule, alike, clock, random, tell });
    this.#tiers = new TierBook({ tiers, rule: settings.tierRule, clock, random, tell });
    this.#keeper = new Keeper({
      clock,
      random,
      userAgents,
      tell,
      clinic: this.#clinic,
      rest: rule.rest,
      max: settings.maxIdentities,
      idle: settings.identityIdle,
      onEnd: (identity) => this.#forgetting.letGo(identity),
    });
    this.#lines = new Lines({
      rotate,
      random,
      hosts: this.#hosts,
      members: (tier) => this.#rosters[tier]?.members ?? [],
      readiness: (member, host, now) => this.#clinic.readiness(member, host, now),
    });
    const readers = tiers.map(({ proxies }) => readerOf(proxies));
    const listener = this.#listener(tell);
    this.#rosters = readers.map((reader, tier) => new Roster(reader, { clock, tier, listener }));
    this.#flush();
  }

  /** How many proxies there are. */
  get size(): number {
    return this.#rosters.reduce((sum, roster) => sum + roster.size, 0);
  }

  /**
   * Waits until the proxies are known, where they come from a file or a function, and for a reading under way.
   *
   * @throws what the source throws, and TypeError that names the place of a bad proxy.
   */
  async ready(): Promise<this> {
    for (const roster of this.#rosters) await (roster.started() ?? roster.settled());
    this.#flush();
    return this;
  }

  /** Whether requests to a URL go through the pool: all but those that `no_proxy` exempts, where the proxies come from the environment. */
  covers(url: URL): boolean {
    return !this.#rosters.some(({ exempt }) => exempt !== undefined && bypasses(url, exempt));
  }

  /**
   * Gives a proxy for one attempt.
   *
   * @throws NoProxyError when none is fit, and none will be in time; the signal's reason; what a source throws.
   */
  async lease(request: LeaseRequest): Promise<Lease> {
    for (;;) {
      for (const roster of this.#rosters) await roster.started();
      this.#housekeeping();
      const found = this.#find(request);
      const lease = "freeAt" in found ? await this.#wait(found, request) : await this.#open(found, request);
      if (lease !== undefined) return this.#told(lease);
    }
  }

  /** How the proxies, the tiers and the identities do. */
  stats(): ProxyPoolStats {
    const { rule, clock } = this.#settings;
    return statsOf({
      members: [...this.#members()],
      hosts: [...this.#hosts],
      tiers: this.#tiers.counts,
      identities: this.#keeper.size,
      rule,
      clock,
    });
  }

  /** Hears of each proxy URL whose connections are of no more use, until what it gives back is called; the session's own. */
  onForget(forget: (proxy: string) => void): () => void {
    return this.#forgetting.listen(forget);
  }

  #find(request: LeaseRequest): Taken | Nobody {
    const now = this.#settings.clock.now();
    const host = this.#hosts.use(request.url.host, now);
    const key = this.#keyOf(request);
    const bound = key === undefined ? undefined : this.#keeper.boundTo(key, host);
    if (bound !== undefined) {
      if ("freeAt" in bound) return { ...bound, host };
      return this.#taken({ member: bound.identity.member, host, identity: bound.identity });
    }
    let freeAt = Infinity;
    for (const tier of this.#tiers.order(host)) {
      const quest = { host, tier, request };
      const member = this.#lines.first(quest, now);
      if (member !== undefined) {
        const identity = this.#keeper.identityFor(member, { key, country: request.country });
        const taken = this.#taken({ member, host, identity });
        this.#lines.serve(quest);
        return taken;
      }
      freeAt = Math.min(freeAt, this.#lines.nextFree(quest, now));
    }
    return { freeAt, host };
  }

  /** Takes note that a request was found somebody. */
  #taken(taken: Taken): Taken {
    const { member, host, identity } = taken;
    this.#served += 1;
    member.uses += 1;
    member.inFlight += 1;
    member.lastUsed = this.#served;
    this.#clinic.leased(member, host, this.#settings.clock.now());
    if (identity !== undefined) this.#keeper.use(identity);
    return taken;
  }

  async #open(taken: Taken, request: LeaseRequest): Promise<Lease | undefined> {
    const { member, identity } = taken;
    const began = this.#settings.clock.now();
    const lease = (proxy: string): Lease => new Lease({ ...taken, request, proxy, began, ...this.#desk });
    try {
      const url = urlFor(member, identity, request.country);
      const proxy = typeof url === "string" ? url : await url;
      this.#forgetting.note(identity ?? member, proxy);
      return lease(proxy);
    } catch {
      // Who does not say who we are is not gone through: another one is.
      lease("").report({ kind: "proxy-failed", reason: "proxy-credentials" });
      return undefined;
    }
  }

  #settle({ terms }: Lease, outcome: ProxyOutcome): boolean {
    const { member, host, identity, began } = terms;
    member.inFlight -= 1;
    member.count(outcome);
    const originDown = this.#clinic.settle({ member, host, outcome, began });
    const isOrigins = originDown && mayBeOrigin(outcome.kind);
    this.#tiers.record(host, member.tier, { outcome, isOrigins });
    if (identity !== undefined) {
      identity.inFlight -= 1;
      if (!isOrigins) this.#keeper.judge(identity, host, outcome);
      this.#forgetting.letGo(identity);
    }
    this.#forgetting.letGo(member);
    if (isRetired(this.#settings.rule, member.health)) this.#forgetting.drop(member);
    member.stir();
    this.#sleepers.wake();
    this.#refresh(Math.max(member.health.rests, healthAt(host, member).rests));
    this.#flush();
    return callsForAnother(outcome.kind) && !isOrigins;
  }

  #broke({ terms: { member, host, began } }: Lease, outcome: ProxyOutcome): void {
    member.countBreak();
    this.#clinic.settle({ member, host, outcome, began });
    this.#flush();
  }

  #prospect({ terms: { host, request } }: Lease, blamed: boolean): Prospect {
    const now = this.#settings.clock.now();
    const key = this.#keyOf(request);
    const bound = key === undefined ? undefined : this.#keeper.boundTo(key, host);
    if (bound !== undefined) return { blamed, freeIn: "freeAt" in bound ? bound.freeAt - now : 0 };
    const free = this.#tiers.open.map((tier) => this.#lines.nextFree({ host, tier, request }, now));
    return { blamed, freeIn: Math.max(0, Math.min(Infinity, ...free) - now) };
  }

  /** Waits for somebody, where that is wanted and there is time. */
  async #wait({ freeAt, host }: Nobody, request: LeaseRequest): Promise<undefined> {
    const { deadline = Infinity, signal, country } = request;
    const { clock, waits } = this.#settings;
    const now = clock.now();
    const lookAt = this.#isAlive ? Math.min(freeAt, now + sourceWait) : freeAt;
    if (waits && lookAt < Infinity && lookAt <= deadline) {
      this.#flush();
      await this.#sleepers.sleep(lookAt - now, { clock: request.clock ?? clock, signal });
      return undefined;
    }
    const retryAt = Math.ceil(clock.date() + freeAt - now);
    this.#events.push({ type: "empty", host: host.name, retryAt });
    this.#flush();
    const when = retryAt === Infinity ? "" : ` until ${new Date(retryAt).toISOString()}`;
    throw new NoProxyError(
      `No proxy is fit for ${host.name}${when}: ${whyNobody(this.#members(), host, country)}`,
      {
        target: host.name,
        retryAt,
      },
    );
  }

  /** Whether new proxies may come by themselves. */
  get #isAlive(): boolean {
    return this.#rosters.some(({ changes }) => changes);
  }

  #keyOf(request: ProxyRequest): string | undefined {
    const key = request.session ?? this.#settings.sticky(request);
    return key === undefined ? undefined : `${request.country?.toLowerCase() ?? ""} ${key}`;
  }

  *#members(): Iterable<Member> {
    for (const roster of this.#rosters) yield* roster.members;
  }

  #refresh(rests: number): void {
    const fit = this.size - this.#clinic.resting;
    for (const roster of this.#rosters) roster.refresh({ fit, rests });
  }

  #housekeeping(): void {
    this.#refresh(0);
    const now = this.#settings.clock.now();
    if (now - this.#sweptAt < sweepEvery) return;
    this.#sweptAt = now;
    this.#keeper.sweep();
    this.#hosts.sweep(now);
    this.#clinic.sweep(this.#members(), this.#hosts);
  }

  #listener(tell: (event: ProxyEvent) => void): RosterListener {
    return {
      joined: (member) => {
        this.#lines.join(member);
        this.#sleepers.wake();
        tell({ type: "joined", proxy: member.label });
      },
      left: (member) => {
        member.gone = true;
        this.#clinic.left(member);
        for (const host of this.#hosts) forgetAt(host, member);
        this.#keeper.left(member);
        this.#forgetting.letGo(member);
        tell({ type: "left", proxy: member.label });
      },
      refreshed: (counts) => tell({ type: "refreshed", ...counts }),
      failed: (error) => tell({ type: "refresh-failed", reason: summaryOf(error).message }),
      fault: (reason) => tell({ type: "bad-proxy", reason }),
    };
  }

  /** A lease that all have heard of; where a listener does not want it, it goes back. */
  #told(lease: Lease): Lease {
    try {
      this.#flush();
      return lease;
    } catch (error) {
      lease[Symbol.dispose]();
      throw error;
    }
  }

  /** Tells of what has happened, when all of it is done: a listener that throws leaves nothing half done. */
  #flush(): void {
    if (this.#events.length === 0) return;
    const events = this.#events;
    this.#events = [];
    for (const event of events) {
      this.#settings.on?.(event);
      tellProxy(event);
    }
  }
}
