import type { ProxyRequest } from "@holdfast/http";
import type { Clock } from "@holdfast/policy";
import type { HealthTracker } from "../state/health-tracker.ts";
import type { Hosts } from "../state/hosts.ts";
import type { IdentityLookup, IdentityManager } from "../state/identity-manager.ts";
import type { Host, Identity, Member } from "../state/member.ts";
import type { RotationQueues } from "../state/rotation-queues.ts";
import type { TierStats } from "../state/tier-stats.ts";
import type { NoProxyAvailable } from "./no-proxy.ts";

/** The proxy that was selected for a request. */
export interface Selection {
  readonly member: Member;
  readonly host: Host;
  readonly identity: Identity | undefined;
}

export interface SelectorOptions {
  readonly clock: Clock;
  readonly sticky: (request: ProxyRequest) => string | undefined;
  readonly hosts: Hosts;
  readonly health: HealthTracker;
  readonly tiers: TierStats;
  readonly identities: IdentityManager;
  readonly queues: RotationQueues;
}

/**
 * Selects the proxy for a request: the one of the request's sticky identity, otherwise the first available one of the
 * first tier that has one.
 */
export class Selector {
  readonly #options: SelectorOptions;
  #served = 0;

  constructor(options: SelectorOptions) {
    this.#options = options;
  }

  /** Selects a proxy and counts its use. If none is available, returns when one will be. */
  select(request: ProxyRequest): Selection | NoProxyAvailable {
    const { clock, hosts, tiers, identities, queues } = this.#options;
    const now = clock.now();
    const host = hosts.use(request.url.host, now);
    const key = this.#identityKey(request);
    const sticky = this.#findIdentity(key, host);
    if (sticky !== undefined) {
      if ("availableAt" in sticky) return { ...sticky, host };
      return this.#startUse({ member: sticky.identity.member, host, identity: sticky.identity });
    }
    let availableAt = Infinity;
    for (const tier of tiers.order(host)) {
      const selection = { host, tier, request };
      const member = queues.first(selection, now);
      if (member !== undefined) {
        const identity = identities.identityFor(member, { key, country: request.country });
        const started = this.#startUse({ member, host, identity });
        queues.serve(selection);
        return started;
      }
      availableAt = Math.min(availableAt, queues.nextFree(selection, now));
    }
    return { availableAt, host };
  }

  /** Returns the milliseconds until a proxy is available: 0 if one is, `Infinity` if none ever will be. */
  availableIn(request: ProxyRequest, host: Host): number {
    const { clock, tiers, queues } = this.#options;
    const now = clock.now();
    const sticky = this.#findIdentity(this.#identityKey(request), host);
    if (sticky !== undefined) return "availableAt" in sticky ? sticky.availableAt - now : 0;
    const instants = tiers.open.map((tier) => queues.nextFree({ host, tier, request }, now));
    return Math.max(0, Math.min(Infinity, ...instants) - now);
  }

  #findIdentity(key: string | undefined, host: Host): IdentityLookup | undefined {
    return key === undefined ? undefined : this.#options.identities.find(key, host);
  }

  #startUse(selection: Selection): Selection {
    const { member, host, identity } = selection;
    const { health, clock, identities } = this.#options;
    this.#served += 1;
    member.startRequest(this.#served);
    health.recordLease(member, host, clock.now());
    if (identity !== undefined) identities.use(identity);
    return selection;
  }

  #identityKey(request: ProxyRequest): string | undefined {
    const key = request.identity ?? this.#options.sticky(request);
    return key === undefined ? undefined : `${request.country?.toLowerCase() ?? ""} ${key}`;
  }
}
