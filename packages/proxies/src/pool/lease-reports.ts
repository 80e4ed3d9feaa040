import { isRetired } from "../rules/health.ts";
import { healthAt } from "../state/hosts.ts";
import type { ProxyAvailability } from "@holdfast/http";
import type { Lease, LeaseOwner } from "./lease.ts";
import type { ProxyOutcome } from "../rules/outcome.ts";
import type { PoolComponents } from "./components.ts";

/** Where the leases of a pool come back to: everybody who keeps something of the proxies hears how the attempt went. */
export class LeaseReports implements LeaseOwner {
  readonly #parts: PoolComponents;

  constructor(parts: PoolComponents) {
    this.#parts = parts;
  }

  report({ terms }: Lease, outcome: ProxyOutcome): boolean {
    const { settings, clinic, tiers, keeper, rosters, forgetting, sleepers, events } = this.#parts;
    const { member, host, identity, began } = terms;
    member.inFlight -= 1;
    member.count(outcome);
    const sessionOver = identity?.ended === true;
    const { originAtFault: isOrigins, tryAnotherProxy: another } = clinic.record({
      member,
      host,
      outcome,
      began,
      sessionOver,
    });
    tiers.record(host, member.tier, { outcome, isOrigins });
    if (identity !== undefined) {
      identity.inFlight -= 1;
      if (!isOrigins) keeper.recordOutcome(identity, host, outcome);
      forgetting.releaseIfOver(identity);
    }
    forgetting.releaseIfOver(member);
    if (isRetired(settings.rule, member.health)) forgetting.release(member);
    member.notifyIdle();
    sleepers.wake();
    rosters.refresh(Math.max(member.health.cooldowns, healthAt(host, member).cooldowns));
    events.flush();
    return another;
  }

  reportBrokenBody({ terms: { member, host, began } }: Lease, outcome: ProxyOutcome): void {
    const { clinic, events } = this.#parts;
    member.countBreak();
    clinic.record({ member, host, outcome, began });
    events.flush();
  }

  availability({ terms: { host, request } }: Lease, blamed: boolean): ProxyAvailability {
    return { proxyAtFault: blamed, availableIn: this.#parts.finder.availableIn(request, host) };
  }
}
