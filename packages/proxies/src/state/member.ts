import type { ProxyCounts } from "../options/pool-stats.ts";
import type { ProxySpec } from "../list/spec.ts";
import type { SuspectedFailure } from "../rules/attribution.ts";
import { blankHealth, type Health } from "../rules/health.ts";
import type { Cookies } from "@holdfast/http";
import type { TierState } from "../rules/tiers.ts";
import type { RotationQueue, QueueEntry } from "./rotation-queue.ts";
import type { OutcomeKind, ProxyOutcome } from "../rules/outcome.ts";
import { needsCountry, takesCountry } from "../list/template.ts";

const counters: Readonly<Partial<Record<OutcomeKind, "successes" | "blocks" | "throttles" | "failures">>> = {
  success: "successes",
  blocked: "blocks",
  throttled: "throttles",
  failed: "failures",
  unreachable: "failures",
  distorted: "failures",
  "proxy-failed": "failures",
  "proxy-throttled": "throttles",
};

/** One proxy of a pool: what is known of it, and what it is doing. */
export class Member implements QueueEntry {
  /** As it was given last: its weight, say, may have changed. */
  spec: ProxySpec;
  /** What may be shown, and tells it from the others. */
  readonly label: string;
  readonly tier: number;
  /** The sessions that it serves requests without a key by, by country, in the order of their last use. */
  readonly sessionsByCountry: Map<string, Set<Identity>> = new Map();
  /** All that go through it. */
  readonly identities: Set<Identity> = new Set();
  uses = 0;
  lastUsed = -1;
  inFlight = 0;
  hasLeft = false;
  health: Health = blankHealth;
  /** The hosts that it failed at since it last did its work. */
  suspectedFailures: readonly SuspectedFailure<Host>[] = [];
  /** Whether it rests for every host because it failed at several. */
  coolsDownForSeveralHosts = false;
  /** The URL that the transport was last told, without an identity. */
  url: string | undefined;
  readonly #counts = {
    requests: 0,
    successes: 0,
    blocks: 0,
    throttles: 0,
    failures: 0,
    cooldowns: 0,
    bytes: 0,
  };
  readonly #cooldownReasons = new Map<string, number>();
  #waiting: (() => void)[] = [];

  constructor(spec: ProxySpec, label: string, tier: number) {
    this.spec = spec;
    this.label = label;
    this.tier = tier;
  }

  /** Whether each session of it is another address. */
  get isGateway(): boolean {
    return this.spec.gateway;
  }

  get weight(): number {
    return this.spec.weight;
  }

  get counts(): ProxyCounts {
    const { requests, blocks } = this.#counts;
    return {
      ...this.#counts,
      cooldownReasons: Object.fromEntries(this.#cooldownReasons),
      requestsBeforeBlock: blocks === 0 ? undefined : (requests - blocks) / blocks,
    };
  }

  /** Whether a request through it has ever succeeded. */
  get hasWorked(): boolean {
    return this.#counts.successes > 0;
  }

  /** Whether it can serve a country; one that must be told a country serves no request that names none. */
  isIn(country: string | undefined): boolean {
    const own = this.spec.country?.toLowerCase();
    const { address } = this.spec;
    if (takesCountry(address)) return country !== undefined || own !== undefined || !needsCountry(address);
    return country === undefined || own === country;
  }

  onceIdle(back: () => void): void {
    this.#waiting.push(back);
  }

  /** Lets those know who wait for it to be less busy. */
  notifyIdle(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const back of waiting) back();
  }

  /** Records the start of a request. `number` counts the requests of the whole pool. */
  startRequest(number: number): void {
    this.uses += 1;
    this.inFlight += 1;
    this.lastUsed = number;
  }

  /** Records the end of a request. */
  endRequest({ kind, bytes = 0 }: ProxyOutcome): void {
    this.inFlight -= 1;
    this.#counts.requests += 1;
    this.#counts.bytes += bytes;
    const counter = counters[kind];
    if (counter !== undefined) this.#counts[counter] += 1;
  }

  /** Recounts a success as a failure, because its body broke off. */
  countBrokenBody(): void {
    this.#counts.successes -= 1;
    this.#counts.failures += 1;
  }

  countCooldown(reason: string): void {
    this.#counts.cooldowns += 1;
    this.#cooldownReasons.set(reason, (this.#cooldownReasons.get(reason) ?? 0) + 1);
  }
}

/** What a pool knows of one host. */
export interface Host {
  readonly name: string;
  /** The health of the proxies at this host, where there is anything to say of it. */
  readonly healthByMember: Map<Member, Health>;
  /** Lines of its own, by tier and country, while many proxies rest for it; otherwise it is served from those of all. */
  readonly queues: Map<string, RotationQueue<Member>>;
  /** Failures at it that may be its own. */
  suspectedFailures: readonly SuspectedFailure<Member>[];
  /** When a request to it last succeeded. */
  workedAt: number;
  tiers: TierState | undefined;
  /** How many of the pairs are not fit. */
  unavailable: number;
  usedAt: number;
}

/**
 * Who a site takes us for: one proxy, its vendor's session where it has one, a cookie jar, a user agent, and
 * connections with a TLS session of their own. They are kept together, and end together.
 */
export interface Identity {
  readonly member: Member;
  /** The key that it is kept under; undefined for a session that serves requests without a key. */
  readonly key: string | undefined;
  readonly country: string | undefined;
  /** The id in the vendor's template. Not to be shown: it is a part of the credentials. */
  readonly session: string | undefined;
  /** Tells its connections from those of others through the same proxy. */
  readonly number: number;
  readonly cookies: Cookies | undefined;
  readonly userAgent: string | undefined;
  readonly bornAt: number;
  /** Until when a host wants no more of it. */
  readonly cooldowns: Map<string, number>;
  usedAt: number;
  uses: number;
  inFlight: number;
  ended: boolean;
  /** The URL that the transport was told. */
  url: string | undefined;
}
