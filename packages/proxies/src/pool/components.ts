import { summarizeError } from "@holdfast/http/internal";
import { HealthTracker } from "../state/health-tracker.ts";
import { EventQueue } from "./event-queue.ts";
import type { ProxyEvent } from "../options/events.ts";
import { Selector } from "./selector.ts";
import { ConnectionRelease } from "./connection-release.ts";
import { forgetAt, Hosts } from "../state/hosts.ts";
import { IdentityManager } from "../state/identity-manager.ts";
import { RotationQueues } from "../state/rotation-queues.ts";
import { SnapshotKeeper } from "./snapshot.ts";
import type { ProxyTier } from "../options/options.ts";
import { Roster, type RosterListener, TieredRoster } from "../state/roster.ts";
import type { PoolSettings } from "../options/settings.ts";
import { Waiters } from "./waiters.ts";
import { openSource, rotateEveryConnection } from "../state/sources.ts";
import { TierStats } from "../state/tier-stats.ts";

/** What a pool is made of. */
export interface PoolComponents {
  readonly settings: PoolSettings;
  readonly events: EventQueue;
  readonly hosts: Hosts;
  readonly clinic: HealthTracker;
  readonly tiers: TierStats;
  readonly keeper: IdentityManager;
  readonly lines: RotationQueues;
  readonly rosters: TieredRoster;
  readonly finder: Selector;
  readonly sleepers: Waiters;
  readonly forgetting: ConnectionRelease;
  /** Whoever hears that a rest began or ended. */
  readonly healthListeners: Set<() => void>;
  readonly remembrance: SnapshotKeeper;
}

// Hosts are remembered for as long as a crawl needs to come back to them.
const maxHosts = 10_000;
const hostIdle = 600_000;

/**
 * Makes the parts of a pool, and puts the proxies into it that are known at once.
 *
 * @throws TypeError or RangeError for a source that is none, or a bad proxy in a list; nothing is quoted.
 */
export function createComponents(settings: PoolSettings, tiers: readonly ProxyTier[]): PoolComponents {
  const { clock, random, rule, rotation, sticky, userAgents } = settings;
  const events = new EventQueue(settings.on);
  const tell = (event: ProxyEvent): void => events.add(event);
  const readers = tiers.map(({ proxies }) =>
    rotateEveryConnection(openSource(proxies), settings.rotatesPerConnection),
  );
  const hosts = new Hosts(maxHosts, hostIdle);
  const forgetting = new ConnectionRelease();
  const healthListeners = new Set<() => void>();
  // A function gives others when one has rested for long enough.
  const isAlone = (): boolean => rosters.size === 1 && readers.every((it) => it.afterCooldowns === Infinity);
  const letOff = (): void => lines.clear();
  const size = (): number => rosters.size;
  const tellHealth = (event: ProxyEvent): void => {
    tell(event);
    for (const hear of healthListeners) hear();
  };
  const clinic = new HealthTracker({ ...settings, size, isAlone, letOff, tell: tellHealth });
  const book = new TierStats({ tiers, rule: settings.tierRule, clock, random, tell });
  const keeper = new IdentityManager({
    clock,
    random,
    userAgents,
    tell,
    clinic,
    cooldown: rule.cooldown,
    max: settings.maxIdentities,
    idle: settings.identityIdle,
    onEnd: (identity) => forgetting.releaseIfOver(identity),
  });
  const lines = new RotationQueues({
    rotation,
    random,
    hosts,
    members: (tier) => rosters.of(tier),
    readiness: (member, host, now) => clinic.readiness(member, host, now),
  });
  const finder = new Selector({ clock, sticky, hosts, clinic, tiers: book, keeper, lines });
  const others = {
    settings,
    events,
    hosts,
    clinic,
    tiers: book,
    keeper,
    lines,
    finder,
    sleepers: new Waiters(),
    forgetting,
    healthListeners,
    remembrance: new SnapshotKeeper({ settings, clinic, hosts, members: () => rosters }),
  };
  const listener = listenerOf(others);
  const rosters: TieredRoster = new TieredRoster(
    readers.map((reader, tier) => new Roster(reader, { clock, tier, listener })),
    () => clinic.unavailable,
  );
  return { ...others, rosters };
}

/** Lets the parts know who comes and goes. */
function listenerOf({
  events,
  hosts,
  clinic,
  keeper,
  lines,
  sleepers,
  forgetting,
  remembrance,
}: Omit<PoolComponents, "rosters">): RosterListener {
  return {
    joined: (member) => {
      remembrance.joined(member);
      lines.add(member);
      sleepers.wake();
      events.add({ type: "joined", proxy: member.label });
    },
    left: (member) => {
      member.hasLeft = true;
      clinic.remove(member);
      for (const host of hosts) forgetAt(host, member);
      keeper.endAllOf(member);
      forgetting.releaseIfOver(member);
      events.add({ type: "left", proxy: member.label });
    },
    refreshed: (counts) => events.add({ type: "refreshed", ...counts }),
    failed: (error) => events.add({ type: "refresh-failed", reason: summarizeError(error).message }),
    fault: (reason) => events.add({ type: "invalid-proxy", reason }),
  };
}
