import type { ProxyPoolStats, ProxyStats, TierCounts } from "../options/pool-stats.ts";
import type { Clock } from "@holdfast/policy";
import { isRetired, type Health, type HealthRule } from "../rules/health.ts";
import type { Host, Member } from "../state/member.ts";

/** Input of `toPoolStats`. */
export interface StatsSources {
  readonly members: readonly Member[];
  readonly hosts: readonly Host[];
  readonly tiers: readonly TierCounts[];
  readonly identities: number;
  readonly rule: HealthRule;
  readonly clock: Clock;
}

/** Computes the statistics of a pool. */
export function toPoolStats({
  members,
  hosts,
  tiers,
  identities,
  rule,
  clock,
}: StatsSources): ProxyPoolStats {
  const now = clock.now();
  const toDate = (instant: number): number => Math.ceil(clock.date() + instant - now);
  const toActiveCooldowns = (health: Health, host?: string): ProxyStats["activeCooldowns"] =>
    health.at !== "cooling-down" || health.until <= now
      ? []
      : [{ ...(host !== undefined && { host }), reason: health.reason, until: toDate(health.until) }];
  const atHosts = new Map<Member, ProxyStats["activeCooldowns"]>();
  for (const { name, healthByMember: pairs } of hosts) {
    for (const [member, health] of pairs)
      atHosts.set(member, [...(atHosts.get(member) ?? []), ...toActiveCooldowns(health, name)]);
  }
  const proxies = members.map((member): ProxyStats => ({
    proxy: member.label,
    tier: tiers[member.tier]?.name ?? "",
    state: isRetired(rule, member.health) ? "retired" : toReportedState(member.health, now),
    inFlight: member.inFlight,
    activeCooldowns: [...toActiveCooldowns(member.health), ...(atHosts.get(member) ?? [])],
    ...member.counts,
  }));
  return { proxies, tiers, identities, hosts: hosts.length };
}

function toReportedState(health: Health, now: number): "available" | "cooling-down" | "probing" {
  return health.at === "cooling-down" && health.until <= now ? "available" : health.at;
}
