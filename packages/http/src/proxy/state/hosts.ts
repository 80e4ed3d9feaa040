import type { Suspicion } from "../rules/attribution.ts";
import { fit, isBlank, type Health } from "../rules/health.ts";
import type { Line } from "./rotation-queue.ts";
import type { Member } from "./member.ts";
import type { TierState } from "../rules/tiers.ts";

/** What a pool knows of one host. */
export interface Host {
  readonly name: string;
  /** The health of the proxies at this host, where there is anything to say of it. */
  readonly pairs: Map<Member, Health>;
  /** Lines of its own, by tier and country, while many proxies rest for it; otherwise it is served from those of all. */
  readonly lines: Map<string, Line<Member>>;
  /** Failures at it that may be its own. */
  suspicions: readonly Suspicion<Member>[];
  /** When a request to it last succeeded. */
  workedAt: number;
  tiers: TierState | undefined;
  /** How many of the pairs are not fit. */
  resting: number;
  usedAt: number;
}

/** The hosts that were lately used, in the order of their last use. */
export class Hosts {
  readonly #byName = new Map<string, Host>();
  readonly #max: number;
  readonly #idle: number;

  /** `idle` is how long a host is remembered of which nothing rests, in milliseconds. */
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

  use(name: string, now: number): Host {
    const host = this.#byName.get(name) ?? {
      name,
      pairs: new Map(),
      lines: new Map(),
      suspicions: [],
      workedAt: -Infinity,
      tiers: undefined,
      resting: 0,
      usedAt: now,
    };
    host.usedAt = now;
    this.#byName.delete(name);
    this.#byName.set(name, host);
    if (this.#byName.size > this.#max) this.#shrink();
    return host;
  }

  /** Forgets the hosts that nobody has used for long, and for which nothing rests. */
  sweep(now: number): void {
    for (const host of this.#byName.values()) {
      if (now - host.usedAt < this.#idle) return;
      if (isQuiet(host, now)) this.#byName.delete(host.name);
    }
  }

  /** Forgets an eighth: to look for the oldest one each time would cost what the map has deleted. */
  #shrink(): void {
    const kept = this.#max - Math.floor(this.#max / 8);
    for (const name of this.#byName.keys()) {
      if (this.#byName.size <= kept) return;
      this.#byName.delete(name);
    }
  }
}

/** The health of a proxy at a host. */
export function healthAt(host: Host, member: Member): Health {
  return host.pairs.get(member) ?? fit;
}

/** Notes the health of a proxy at a host; what says nothing is not kept. */
export function setHealthAt(host: Host, member: Member, health: Health): void {
  const wasFit = healthAt(host, member).at === "fit";
  if (isBlank(health)) host.pairs.delete(member);
  else host.pairs.set(member, health);
  host.resting += Number(wasFit) - Number(health.at === "fit");
  if (host.resting === 0) host.lines.clear();
}

/** Forgets a proxy that has left. */
export function forgetAt(host: Host, member: Member): void {
  setHealthAt(host, member, fit);
  host.suspicions = host.suspicions.filter(({ who }) => who !== member);
}

function isQuiet({ pairs }: Host, now: number): boolean {
  return [...pairs.values()].every((health) => health.at === "fit" || health.until <= now);
}
