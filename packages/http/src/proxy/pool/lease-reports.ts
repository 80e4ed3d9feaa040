import { isRetired } from "../rules/health.ts";
import { healthAt } from "../state/hosts.ts";
import type { Lease, LeaseDesk, Prospect } from "./lease.ts";
import type { ProxyOutcome } from "../rules/outcome.ts";
import type { PoolParts } from "./components.ts";

/** Where the leases of a pool come back to: everybody who keeps something of the proxies hears how the attempt went. */
export class Desk implements LeaseDesk {
  readonly #parts: PoolParts;

  constructor(parts: PoolParts) {
    this.#parts = parts;
  }

  settle({ terms }: Lease, outcome: ProxyOutcome): boolean {
    const { settings, clinic, tiers, keeper, rosters, forgetting, sleepers, events } = this.#parts;
    const { member, host, identity, began } = terms;
    member.inFlight -= 1;
    member.count(outcome);
    const sessionOver = identity?.ended === true;
    const { isOrigins, another } = clinic.settle({ member, host, outcome, began, sessionOver });
    tiers.record(host, member.tier, { outcome, isOrigins });
    if (identity !== undefined) {
      identity.inFlight -= 1;
      if (!isOrigins) keeper.judge(identity, host, outcome);
      forgetting.letGo(identity);
    }
    forgetting.letGo(member);
    if (isRetired(settings.rule, member.health)) forgetting.drop(member);
    member.stir();
    sleepers.wake();
    rosters.refresh(Math.max(member.health.cooldowns, healthAt(host, member).cooldowns));
    events.flush();
    return another;
  }

  broke({ terms: { member, host, began } }: Lease, outcome: ProxyOutcome): void {
    const { clinic, events } = this.#parts;
    member.countBreak();
    clinic.settle({ member, host, outcome, began });
    events.flush();
  }

  prospect({ terms: { host, request } }: Lease, blamed: boolean): Prospect {
    return { blamed, freeIn: this.#parts.finder.freeIn(request, host) };
  }
}
