import { stripRootDot } from "@holdfast/policy/internal";
import { blankHealth, isBlank, type Health } from "../rules/health.ts";
import type { Host, Member } from "./member.ts";

/** Recently used hosts, ordered by their last use. */
export class Hosts {
  readonly #byName = new Map<string, Host>();
  readonly #max: number;
  readonly #idle: number;

  /** @param idle how long to remember an unused host without cooldowns, in milliseconds. */
  constructor(max: number, idle: number) {
    this.#max = max;
    this.#idle = idle;
  }

  get size(): number {
    return this.#byName.size;
  }

  [Symbol.iterator](): IterableIterator<Host> {
    return this.#byName.values();
  }

  use(written: string, now: number): Host {
    const name = stripRootDot(written);
    const host = this.#byName.get(name) ?? {
      name,
      healthByMember: new Map(),
      queues: new Map(),
      suspectedFailures: [],
      workedAt: -Infinity,
      tiers: undefined,
      unavailable: 0,
      usedAt: now,
    };
    host.usedAt = now;
    this.#byName.delete(name);
    this.#byName.set(name, host);
    if (this.#byName.size > this.#max) this.#shrink();
    return host;
  }

  /** Forgets idle hosts without cooldowns. */
  sweep(now: number): void {
    for (const host of this.#byName.values()) {
      if (now - host.usedAt < this.#idle) return;
      if (isQuiet(host, now)) this.#byName.delete(host.name);
    }
  }

  /** Forgets an eighth of the hosts. Searching for the oldest host each time would traverse the deleted entries of the map. */
  #shrink(): void {
    const kept = this.#max - Math.floor(this.#max / 8);
    for (const name of this.#byName.keys()) {
      if (this.#byName.size <= kept) return;
      this.#byName.delete(name);
    }
  }
}

/** Returns the health of a proxy at a host. */
export function healthAt(host: Host, member: Member): Health {
  return host.healthByMember.get(member) ?? blankHealth;
}

/** Stores the health of a proxy at a host. Blank health is not stored. */
export function setHealthAt(host: Host, member: Member, health: Health): void {
  const wasFit = healthAt(host, member).at === "available";
  if (isBlank(health)) host.healthByMember.delete(member);
  else host.healthByMember.set(member, health);
  host.unavailable += Number(wasFit) - Number(health.at === "available");
  if (host.unavailable === 0) host.queues.clear();
}

/** Forgets a proxy that left the pool. */
export function forgetAt(host: Host, member: Member): void {
  setHealthAt(host, member, blankHealth);
  host.suspectedFailures = host.suspectedFailures.filter(({ source: who }) => who !== member);
}

function isQuiet({ healthByMember: pairs }: Host, now: number): boolean {
  return [...pairs.values()].every((health) => health.at === "available" || health.until <= now);
}
