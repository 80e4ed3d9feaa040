import type { ProxyCounts } from "../options/pool-stats.ts";
import type { ProxySpec } from "../list/parse-entry.ts";
import type { SuspectedFailure } from "../rules/outcome-effects.ts";
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
  "proxy-suspected": "failures",
};

/** One proxy of a pool, with its state. */
export class Member implements QueueEntry {
  /** The latest entry of the source: for example, its weight may have changed. */
  spec: ProxySpec;
  /** Unique label without credentials. */
  readonly label: string;
  readonly tier: number;
  /** Sessions for requests without a key, by country, ordered by their last use. */
  readonly sessionsByCountry: Map<string, Set<Identity>> = new Map();
  /** All identities of this proxy. */
  readonly identities: Set<Identity> = new Set();
  uses = 0;
  lastUsed = -1;
  inFlight = 0;
  hasLeft = false;
  health: Health = blankHealth;
  /** Failures at hosts since the proxy last worked. */
  suspectedFailures: readonly SuspectedFailure<Host>[] = [];
  /** What hosts said in the name of the proxy since it last worked. */
  suspicions: readonly SuspectedFailure<Host>[] = [];
  /** Until when the proxy counts as working, because it opened a tunnel when a host said that it does not. */
  vouchedUntil: number = -Infinity;
  /** The test of the proxy that is under way. */
  test: Promise<unknown> | undefined;
  /** Whether a cooldown for every host began because the proxy failed at several hosts. */
  coolsDownForSeveralHosts = false;
  /** The latest URL that a session received, without an identity. */
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

  /** Whether each session has another address. */
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

  /** Whether a request through the proxy has ever succeeded. */
  get hasWorked(): boolean {
    return this.#counts.successes > 0;
  }

  /** Returns whether the proxy can serve a country. A template that needs a country serves no request without one. */
  isIn(country: string | undefined): boolean {
    const own = this.spec.country?.toLowerCase();
    const { address } = this.spec;
    if (takesCountry(address)) return country !== undefined || own !== undefined || !needsCountry(address);
    return country === undefined || own === country;
  }

  onceIdle(back: () => void): void {
    this.#waiting.push(back);
  }

  /** Calls back everything that waits for this proxy to be less busy. */
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

/** State of one host. */
export interface Host {
  readonly name: string;
  /** Health of the proxies at this host, if it is not blank. */
  readonly healthByMember: Map<Member, Health>;
  /** Queues of this host by tier and country, while many proxies are unavailable for it. Otherwise the common queues serve it. */
  readonly queues: Map<string, RotationQueue<Member>>;
  /** Failures that may be the host's fault. */
  suspectedFailures: readonly SuspectedFailure<Member>[];
  /** Instant of the last successful request. */
  workedAt: number;
  tiers: TierState | undefined;
  /** Number of proxies that are unavailable for this host. */
  unavailable: number;
  usedAt: number;
}

/**
 * A visitor as a site sees it: one proxy, its vendor's session if any, a cookie jar, a user agent, and its own
 * connections and TLS session. They start and end together.
 */
export interface Identity {
  readonly member: Member;
  /** Key of the identity; undefined for a session that serves requests without a key. */
  readonly key: string | undefined;
  readonly country: string | undefined;
  /** Session id in the vendor's template. Never log it: it is part of the credentials. */
  readonly session: string | undefined;
  /** Separates its connections from others through the same proxy. */
  readonly number: number;
  readonly cookies: Cookies | undefined;
  readonly userAgent: string | undefined;
  readonly bornAt: number;
  /** Instants until which a host throttles this identity. */
  readonly cooldowns: Map<string, number>;
  usedAt: number;
  uses: number;
  inFlight: number;
  ended: boolean;
  /** The URL that a session received. */
  url: string | undefined;
}
