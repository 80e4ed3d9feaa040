import type { Clock } from "@holdfast/policy";
import type { HealthTracker } from "../state/health-tracker.ts";
import type { Hosts } from "../state/hosts.ts";
import type { IdentityLookup, IdentityManager } from "../state/identity-manager.ts";
import type { RotationQueues } from "../state/rotation-queues.ts";
import type { Host, Identity, Member } from "../state/member.ts";
import type { NoProxyAvailable } from "./no-proxy.ts";
import type { ProxyRequest } from "@holdfast/http";
import type { TierStats } from "../state/tier-stats.ts";

/** Who was found for a request. */
export interface Selection {
  readonly member: Member;
  readonly host: Host;
  readonly identity: Identity | undefined;
}

export interface SelectorOptions {
  readonly clock: Clock;
  readonly sticky: (request: ProxyRequest) => string | undefined;
  readonly hosts: Hosts;
  readonly clinic: HealthTracker;
  readonly tiers: TierStats;
  readonly keeper: IdentityManager;
  readonly lines: RotationQueues;
}

/** Finds who serves a request: whoever keeps its key, else the first in line of the first tier that has somebody. */
export class Selector {
  readonly #options: SelectorOptions;
  #served = 0;

  constructor(options: SelectorOptions) {
    this.#options = options;
  }

  /** Takes whoever serves a request; where nobody does, says when somebody will. */
  select(request: ProxyRequest): Selection | NoProxyAvailable {
    const { clock, hosts, tiers, keeper, lines } = this.#options;
    const now = clock.now();
    const host = hosts.use(request.url.host, now);
    const key = this.#keyOf(request);
    const bound = this.#boundTo(key, host);
    if (bound !== undefined) {
      if ("freeAt" in bound) return { availableAt: bound.freeAt, host };
      return this.#taken({ member: bound.identity.member, host, identity: bound.identity });
    }
    let freeAt = Infinity;
    for (const tier of tiers.order(host)) {
      const quest = { host, tier, request };
      const member = lines.first(quest, now);
      if (member !== undefined) {
        const identity = keeper.identityFor(member, { key, country: request.country });
        const taken = this.#taken({ member, host, identity });
        lines.serve(quest);
        return taken;
      }
      freeAt = Math.min(freeAt, lines.nextFree(quest, now));
    }
    return { availableAt: freeAt, host };
  }

  /** In how many milliseconds somebody is fit for a request: 0 when somebody is, `Infinity` when nobody ever will be. */
  availableIn(request: ProxyRequest, host: Host): number {
    const { clock, tiers, lines } = this.#options;
    const now = clock.now();
    const bound = this.#boundTo(this.#keyOf(request), host);
    if (bound !== undefined) return "freeAt" in bound ? bound.freeAt - now : 0;
    const free = tiers.open.map((tier) => lines.nextFree({ host, tier, request }, now));
    return Math.max(0, Math.min(Infinity, ...free) - now);
  }

  #boundTo(key: string | undefined, host: Host): IdentityLookup | undefined {
    return key === undefined ? undefined : this.#options.keeper.find(key, host);
  }

  /** Takes note that a request was found somebody. */
  #taken(taken: Selection): Selection {
    const { member, host, identity } = taken;
    const { clinic, clock, keeper } = this.#options;
    this.#served += 1;
    member.uses += 1;
    member.inFlight += 1;
    member.lastUsed = this.#served;
    clinic.recordLease(member, host, clock.now());
    if (identity !== undefined) keeper.use(identity);
    return taken;
  }

  #keyOf(request: ProxyRequest): string | undefined {
    const key = request.identity ?? this.#options.sticky(request);
    return key === undefined ? undefined : `${request.country?.toLowerCase() ?? ""} ${key}`;
  }
}
