import { summarizeError } from "@holdfast/http/internal";
import type { ProxyTier } from "../options/options.ts";
import type { PoolSettings } from "../options/settings.ts";
import { HealthTracker } from "../state/health-tracker.ts";
import { forgetAt, Hosts } from "../state/hosts.ts";
import { IdentityManager } from "../state/identity-manager.ts";
import { ProxyLabels } from "../state/proxy-labels.ts";
import { Roster, TieredRoster, type RosterListener } from "../state/roster.ts";
import { RotationQueues } from "../state/rotation-queues.ts";
import { openSource, rotateEveryConnection } from "../state/sources.ts";
import { TierStats } from "../state/tier-stats.ts";
import { ConnectionRelease } from "./connection-release.ts";
import { EventQueue } from "./event-queue.ts";
import { Selector } from "./selector.ts";
import { SnapshotKeeper } from "./snapshot.ts";
import { Waiters } from "./waiters.ts";

/** The parts of a pool. */
export interface PoolComponents {
  readonly settings: PoolSettings;
  readonly events: EventQueue;
  readonly hosts: Hosts;
  readonly roster: TieredRoster;
  readonly health: HealthTracker;
  readonly tiers: TierStats;
  readonly connections: ConnectionRelease;
  readonly identities: IdentityManager;
  readonly queues: RotationQueues;
  readonly selector: Selector;
  readonly waiters: Waiters;
  readonly snapshots: SnapshotKeeper;
}

// A crawl comes back to a host within this time.
const maxHosts = 10_000;
const hostIdle = 600_000;

/**
 * Creates the components of a pool, each from the ones before it, and adds the proxies that are known immediately.
 *
 * @throws TypeError or RangeError for an invalid source or an invalid proxy in a list; the message quotes nothing of it.
 */
export function createComponents(settings: PoolSettings, tiers: readonly ProxyTier[]): PoolComponents {
  const { clock } = settings;
  const readers = tiers.map(({ proxies }) =>
    rotateEveryConnection(openSource(proxies), settings.rotatesPerConnection),
  );
  const events = new EventQueue(settings.on);
  const emit: EventQueue["add"] = (event) => events.add(event);
  const hosts = new Hosts(maxHosts, hostIdle);
  const labels = new ProxyLabels();
  const roster = new TieredRoster(readers.map((reader, tier) => new Roster(reader, { clock, tier, labels })));
  const health = new HealthTracker({ ...settings, roster, emit });
  const tierStats = new TierStats({ ...settings, tiers, rule: settings.tierRule, emit });
  const connections = new ConnectionRelease();
  const identities = new IdentityManager({
    ...settings,
    health,
    cooldown: settings.rule.cooldown,
    max: settings.maxIdentities,
    idle: settings.identityIdle,
    emit,
    onEnd: (identity) => connections.releaseIfOver(identity),
  });
  const queues = new RotationQueues({ ...settings, hosts, roster, health });
  const selector = new Selector({ ...settings, hosts, health, tiers: tierStats, identities, queues });
  const snapshots = new SnapshotKeeper({ settings, health, hosts, roster });
  const components: PoolComponents = {
    settings,
    events,
    hosts,
    roster,
    health,
    tiers: tierStats,
    connections,
    identities,
    queues,
    selector,
    waiters: new Waiters(),
    snapshots,
  };
  roster.open(createRosterListener(components));
  return components;
}

function createRosterListener({
  events,
  hosts,
  health,
  identities,
  queues,
  waiters,
  connections,
  snapshots,
}: PoolComponents): RosterListener {
  return {
    joined: (member) => {
      snapshots.applyTo(member);
      queues.add(member);
      waiters.wake();
      events.add({ type: "joined", proxy: member.label });
    },
    left: (member) => {
      member.hasLeft = true;
      health.remove(member);
      for (const host of hosts) forgetAt(host, member);
      identities.endByMember(member);
      connections.releaseIfOver(member);
      events.add({ type: "left", proxy: member.label });
    },
    refreshed: (counts) => events.add({ type: "refreshed", ...counts }),
    refreshFailed: (error) => events.add({ type: "refresh-failed", reason: summarizeError(error).message }),
    invalidProxy: (reason) => events.add({ type: "invalid-proxy", reason }),
  };
}
