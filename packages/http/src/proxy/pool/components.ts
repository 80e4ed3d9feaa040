import { summaryOf } from "../../model/attempt-record.ts";
import { Clinic } from "../state/health-tracker.ts";
import { EventQueue } from "./event-queue.ts";
import type { ProxyEvent } from "../options/events.ts";
import { Finder } from "./selector.ts";
import { Forgetting } from "./connection-release.ts";
import { forgetAt, Hosts } from "../state/hosts.ts";
import { Keeper } from "../state/identity-manager.ts";
import { Lines } from "../state/rotation-queues.ts";
import { SnapshotKeeper } from "./snapshot.ts";
import type { ProxyTier } from "../options/options.ts";
import { Roster, type RosterListener, Rosters } from "../state/roster.ts";
import type { PoolSettings } from "../options/settings.ts";
import { Sleepers } from "./waiters.ts";
import { readerOf, rotateEveryConnection } from "../state/sources.ts";
import { TierBook } from "../state/tier-stats.ts";

/** What a pool is made of. */
export interface PoolParts {
  readonly settings: PoolSettings;
  readonly events: EventQueue;
  readonly hosts: Hosts;
  readonly clinic: Clinic;
  readonly tiers: TierBook;
  readonly keeper: Keeper;
  readonly lines: Lines;
  readonly rosters: Rosters;
  readonly finder: Finder;
  readonly sleepers: Sleepers;
  readonly forgetting: Forgetting;
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
export function partsOf(settings: PoolSettings, tiers: readonly ProxyTier[]): PoolParts {
  const { clock, random, rule, rotation, sticky, userAgents } = settings;
  const events = new EventQueue(settings.on);
  const tell = (event: ProxyEvent): void => events.add(event);
  const readers = tiers.map(({ proxies }) =>
    rotateEveryConnection(readerOf(proxies), settings.rotatesPerConnection),
  );
  const hosts = new Hosts(maxHosts, hostIdle);
  const forgetting = new Forgetting();
  const healthListeners = new Set<() => void>();
  // A function gives others when one has rested for long enough.
  const isAlone = (): boolean => rosters.size === 1 && readers.every((it) => it.afterCooldowns === Infinity);
  const letOff = (): void => lines.renew();
  const size = (): number => rosters.size;
  const tellHealth = (event: ProxyEvent): void => {
    tell(event);
    for (const hear of healthListeners) hear();
  };
  const clinic = new Clinic({ ...settings, size, isAlone, letOff, tell: tellHealth });
  const book = new TierBook({ tiers, rule: settings.tierRule, clock, random, tell });
  const keeper = new Keeper({
    clock,
    random,
    userAgents,
    tell,
    clinic,
    cooldown: rule.cooldown,
    max: settings.maxIdentities,
    idle: settings.identityIdle,
    onEnd: (identity) => forgetting.letGo(identity),
  });
  const lines = new Lines({
    rotation,
    random,
    hosts,
    members: (tier) => rosters.of(tier),
    readiness: (member, host, now) => clinic.readiness(member, host, now),
  });
  const finder = new Finder({ clock, sticky, hosts, clinic, tiers: book, keeper, lines });
  const others = {
    settings,
    events,
    hosts,
    clinic,
    tiers: book,
    keeper,
    lines,
    finder,
    sleepers: new Sleepers(),
    forgetting,
    healthListeners,
    remembrance: new SnapshotKeeper({ settings, clinic, hosts, members: () => rosters }),
  };
  const listener = listenerOf(others);
  const rosters: Rosters = new Rosters(
    readers.map((reader, tier) => new Roster(reader, { clock, tier, listener })),
    () => clinic.resting,
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
}: Omit<PoolParts, "rosters">): RosterListener {
  return {
    joined: (member) => {
      remembrance.joined(member);
      lines.join(member);
      sleepers.wake();
      events.add({ type: "joined", proxy: member.label });
    },
    left: (member) => {
      member.gone = true;
      clinic.left(member);
      for (const host of hosts) forgetAt(host, member);
      keeper.left(member);
      forgetting.letGo(member);
      events.add({ type: "left", proxy: member.label });
    },
    refreshed: (counts) => events.add({ type: "refreshed", ...counts }),
    failed: (error) => events.add({ type: "refresh-failed", reason: summaryOf(error).message }),
    fault: (reason) => events.add({ type: "invalid-proxy", reason }),
  };
}
