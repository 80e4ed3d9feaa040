import type { PoolSnapshot, RememberedHealth } from "../options/pool-snapshot.ts";
import type { HealthTracker } from "../state/health-tracker.ts";
import { isBlank, type Health } from "../rules/health.ts";
import type { Hosts } from "../state/hosts.ts";
import type { Host, Member } from "../state/member.ts";
import { proxyPoolDefaults, type PoolSettings } from "../options/settings.ts";

export interface SnapshotKeeperOptions {
  readonly settings: Pick<PoolSettings, "rule" | "clock">;
  readonly health: HealthTracker;
  readonly hosts: Hosts;
  readonly roster: Iterable<Member>;
}

// Beyond this size a snapshot costs more than it is worth.
const maxKept = 20_000;
// Bounds cooldowns after the system clock was set back.
const longestCooldown = 86_400_000;
// Only the user can fix these, and may have done so before the restart.
const ownersMatter: ReadonlySet<string> = new Set(["proxy-auth", "proxy-payment", "proxy-credentials"]);

/** Writes the health of the proxies to snapshots and restores it, also for proxies that join later. */
export class SnapshotKeeper {
  readonly #options: SnapshotKeeperOptions;
  readonly #recalled = new Map<string, readonly RememberedHealth[]>();

  constructor(options: SnapshotKeeperOptions) {
    this.#options = options;
  }

  /** The current snapshot. */
  get current(): PoolSnapshot {
    const kept = new Map(this.#recalled);
    const hosts = [...this.#options.hosts];
    for (const [member, healths] of this.#healths(hosts)) kept.set(member.label, healths);
    return { proxies: Object.fromEntries(latest(kept)) };
  }

  /** Restores a snapshot for present and future proxies. Ignores a value that is not a snapshot. */
  restore(memory: unknown): void {
    if (!isSnapshot(memory)) return;
    const entries = Object.entries(memory.proxies);
    for (const [label, healths] of "salt" in memory ? withoutHashes(entries) : entries)
      this.#recalled.set(label, healths);
    for (const member of this.#options.roster) this.applyTo(member);
  }

  /** Restores the health of a proxy that joined. */
  applyTo(member: Member): void {
    if (this.#recalled.size === 0) return;
    const healths = this.#recalled.get(member.label) ?? [];
    this.#recalled.delete(member.label);
    for (const health of healths) this.#restoreHealth(member, health);
  }

  #restoreHealth(member: Member, { host: name, ...health }: RememberedHealth): void {
    const { health: tracker, hosts, settings } = this.#options;
    if (name === undefined && ownersMatter.has(health.reason ?? "")) return;
    const now = settings.clock.now();
    const host = name === undefined ? undefined : hosts.use(name, now);
    tracker.restore(member, host, this.#toHealth(health, host));
  }

  #toHealth({ cooldowns, score = 0, asOf = 0, ...rest }: RememberedHealth, host: Host | undefined): Health {
    const { clock, rule } = this.#options.settings;
    const ago = clock.now() - clock.date();
    const { until, since = 0, reason = "", throttled = false } = rest;
    if (until === undefined) return { at: "available", cooldowns, score, asOf: asOf + ago };
    const paused = { at: "cooling-down", since: since + ago, reason, throttled } as const;
    const end = Math.min(until + ago, clock.now() + Math.max(longestCooldown, 2 * rule.maxCooldown));
    if (host !== undefined || throttled) return { ...paused, cooldowns, until: end };
    // A proxy that was down may be back, so a restored cooldown is short.
    const soon = clock.now() + proxyPoolDefaults.cooldown;
    return {
      ...paused,
      cooldowns: Math.max(0, Math.min(cooldowns, rule.retireAfter - 2)),
      until: Math.min(end, soon),
    };
  }

  #healths(hosts: readonly Host[]): Map<Member, RememberedHealth[]> {
    const found = new Map<Member, RememberedHealth[]>();
    const add = (member: Member, health: Health, host?: string): void => {
      if (isBlank(health)) return;
      const known = found.get(member) ?? [];
      known.push({ ...(host !== undefined && { host }), ...this.#toRemembered(health) });
      found.set(member, known);
    };
    for (const member of this.#options.roster) add(member, member.health);
    for (const { name, healthByMember: pairs } of hosts)
      for (const [member, health] of pairs) add(member, health, name);
    return found;
  }

  #toRemembered(health: Health): RememberedHealth {
    const { clock, rule } = this.#options.settings;
    const toDate = (instant: number): number => Math.ceil(clock.date() + instant - clock.now());
    const { cooldowns } = health;
    if (health.at === "available") return { cooldowns, score: health.score, asOf: toDate(health.asOf) };
    const { since, reason, throttled } = health;
    // A lost probe is not followed by another one immediately.
    const until = health.at === "probing" ? since + rule.cooldown : health.until;
    return { cooldowns, until: toDate(until), since: toDate(since), reason, throttled };
  }
}

type LabelledHealth = readonly [string, readonly RememberedHealth[]];

/**
 * Reads a snapshot of an earlier version, whose keys are an address and a hash of the account. A name without the hash stands
 * for one account only if the address has no other.
 */
function withoutHashes(entries: readonly LabelledHealth[]): readonly LabelledHealth[] {
  const byAddress = Map.groupBy(entries, ([key]) => key.replace(/ [\da-f]{8}$/, ""));
  return [...byAddress].flatMap(([address, [first, ...others]]) =>
    first === undefined || others.length > 0 ? [] : [[address, first[1]]],
  );
}

/** Keeps the health records with the latest end of cooldown, if there are too many. */
function latest(kept: ReadonlyMap<string, readonly RememberedHealth[]>): readonly LabelledHealth[] {
  const all = [...kept].flatMap(([key, healths]) => healths.map((health) => ({ key, health })));
  if (all.length <= maxKept) return [...kept];
  const newest = all.toSorted((a, b) => (b.health.until ?? 0) - (a.health.until ?? 0)).slice(0, maxKept);
  const byKey = Map.groupBy(newest, ({ key }) => key);
  return [...byKey].map(([key, some]) => [key, some.map(({ health }) => health)] as const);
}

function isSnapshot(value: unknown): value is PoolSnapshot {
  if (typeof value !== "object" || value === null || !("proxies" in value)) return false;
  const { proxies } = value;
  if (typeof proxies !== "object" || proxies === null) return false;
  return Object.values(proxies).every(
    (healths: unknown) => Array.isArray(healths) && healths.every(isHealth),
  );
}

const numbers = ["cooldowns", "score", "asOf", "until", "since"] as const;

function isHealth(value: unknown): boolean {
  if (typeof value !== "object" || value === null || !("cooldowns" in value)) return false;
  const of = (name: string): unknown => Reflect.get(value, name);
  const isNumber = (it: unknown): boolean =>
    it === undefined || (typeof it === "number" && Number.isFinite(it));
  return numbers.every((name) => isNumber(of(name))) && [of("host"), of("reason")].every(isOptionalString);
}

function isOptionalString(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}
