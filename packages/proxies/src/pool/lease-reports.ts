import { isRetired } from "../rules/health.ts";
import { isProxyVerdict, type ProxyOutcome } from "../rules/outcome.ts";
import { healthAt } from "../state/hosts.ts";
import type { PoolComponents } from "./components.ts";
import { settleSuspicion } from "./settle-suspicion.ts";
import type { LeaseOwner, LeaseState } from "./lease.ts";

/** Records the outcomes of leases in the components of the pool. */
export class LeaseReports implements LeaseOwner {
  readonly #components: PoolComponents;

  constructor(components: PoolComponents) {
    this.#components = components;
  }

  report(lease: LeaseState, outcome: ProxyOutcome): boolean {
    const tryAnotherProxy = this.#record(lease, outcome);
    const { member, identity } = lease;
    const { roster, connections } = this.#components;
    // Another connection may lead to another address; the same one would be refused again.
    const mayRotate = identity === undefined && (member.isGateway || roster.hasOnlyProxy);
    if (outcome.kind === "blocked" && mayRotate) connections.release(member);
    this.#releaseConnections(lease);
    this.#wake(lease);
    return tryAnotherProxy;
  }

  async settle(lease: LeaseState, outcome: ProxyOutcome, testTunnel: () => Promise<void>): Promise<void> {
    const { health, settings } = this.#components;
    const { member, host } = lease;
    const settled = await settleSuspicion(member, outcome, { testTunnel, settings });
    if (settled === "works") return;
    // What the test does not settle, a second host may.
    const ownWord = settled === "unsettled" ? health.weigh(member, host, outcome) : settled;
    if (!isProxyVerdict(ownWord.kind)) return;
    health.recordOwnWord(member, ownWord);
    this.#releaseConnections(lease);
    this.#wake(lease);
  }

  reportBrokenBody({ member, host, began }: LeaseState, outcome: ProxyOutcome): void {
    const { health, queues, events } = this.#components;
    member.countBrokenBody();
    const { blameCleared } = health.record({ member, host, outcome, began });
    if (blameCleared) queues.clear();
    events.flush();
  }

  availableIn({ host, request }: LeaseState): number {
    return this.#components.selector.availableIn(request, host);
  }

  /** Updates counts, health, tiers and the identity. Returns whether another proxy may do better. */
  #record({ member, host, identity, began }: LeaseState, reported: ProxyOutcome): boolean {
    const { health, queues, tiers, identities } = this.#components;
    const outcome = health.weigh(member, host, reported);
    member.endRequest(outcome);
    const sessionOver = identity?.ended === true;
    const { originAtFault, tryAnotherProxy, blameCleared } = health.record({
      member,
      host,
      outcome,
      began,
      sessionOver,
    });
    // Members without their cleared cooldown can serve earlier than their positions in the queues say.
    if (blameCleared) queues.clear();
    tiers.record(host, member.tier, { outcome, originAtFault });
    if (identity !== undefined) {
      identity.inFlight -= 1;
      if (!originAtFault) identities.recordOutcome(identity, host, outcome);
    }
    return tryAnotherProxy;
  }

  #releaseConnections({ member, identity }: LeaseState): void {
    const { connections, settings } = this.#components;
    if (identity !== undefined) connections.releaseIfOver(identity);
    connections.releaseIfOver(member);
    if (isRetired(settings.rule, member.health)) connections.release(member);
  }

  #wake({ member, host }: LeaseState): void {
    const { roster, health, waiters, events } = this.#components;
    member.notifyIdle();
    waiters.wake();
    const cooldowns = Math.max(member.health.cooldowns, healthAt(host, member).cooldowns);
    roster.refresh({ unavailable: health.unavailable, cooldowns });
    events.flush();
  }
}
