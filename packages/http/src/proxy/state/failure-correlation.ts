import type { Clock } from "@holdfast/policy";
import {
  clears,
  isAlike,
  isOfTheWay,
  mayBeOrigin,
  signOf,
  suspect,
  type AlikeRule,
  type Suspicion,
} from "../rules/attribution.ts";
import type { Host, Member } from "./member.ts";
import type { ProxyOutcome } from "../rules/outcome.ts";

export interface SuspicionsOptions {
  /** How many proxies that fail alike at a host show that it is the host. */
  readonly alike: AlikeRule;
  /** At how many hosts a proxy has to fail for it to be the proxy. */
  readonly hosts: AlikeRule;
  readonly clock: Clock;
  /** How many proxies do not rest for every host. */
  readonly fit: () => number;
}

/** What a failure shows beside itself. */
export interface Finding {
  /** Whether it is the host that fails. */
  readonly originDown: boolean;
  /** Whom it was held against until now; empty unless it has just shown. */
  readonly acquitted: readonly Member[];
  /** Whether the proxy fails at several hosts, and has answered from none in between. */
  readonly atSeveralHosts: boolean;
}

const nothing: Finding = { originDown: false, acquitted: [], atSeveralHosts: false };

/**
 * Tells a host that fails from a proxy that does: where several proxies fail alike at one host it is the host, where one
 * fails at several hosts it is the proxy.
 */
export class Suspicions {
  readonly #options: SuspicionsOptions;

  constructor(options: SuspicionsOptions) {
    this.#options = options;
  }

  /** Takes note of how an attempt went, and says what it shows. */
  note(member: Member, host: Host, outcome: ProxyOutcome): Finding {
    const { kind } = outcome;
    const now = this.#options.clock.now();
    if (kind === "success") {
      host.suspicions = [];
      host.workedAt = now;
    }
    if (clears(kind)) member.suspicions = [];
    if (!mayBeOrigin(kind)) return nothing;
    const sign = signOf(outcome);
    const finding = this.#ofHost(host, { who: member, sign, at: now });
    if (isOfTheWay(kind) && !finding.originDown)
      member.suspicions = suspect(this.#options.hosts, member.suspicions, { who: host, sign: "", at: now });
    const atSeveralHosts = isAlike(this.#options.hosts, member.suspicions, { sign: "", now });
    return { ...finding, atSeveralHosts };
  }

  #ofHost(host: Host, latest: Suspicion<Member>): Pick<Finding, "originDown" | "acquitted"> {
    const { alike, fit, hosts } = this.#options;
    const { who, sign, at: now } = latest;
    // Of few proxies all have to fail; of one alone nobody can tell.
    const rule = { ...alike, many: Math.max(2, Math.min(alike.many, fit())) };
    const wasDown = isAlike(rule, host.suspicions, { sign, now });
    // Where the host has answered, one that has never worked says more of itself than of the host.
    const isWitness = who.hasWorked || host.workedAt <= now - hosts.window;
    if (isWitness) host.suspicions = suspect(alike, host.suspicions, latest);
    const originDown = isAlike(rule, host.suspicions, { sign, now });
    if (!originDown) return { originDown, acquitted: [] };
    const suspects = host.suspicions.filter((it) => it.sign === sign).map((it) => it.who);
    for (const each of [who, ...suspects]) each.suspicions = each.suspicions.filter((it) => it.who !== host);
    return { originDown, acquitted: wasDown ? [] : suspects };
  }
}
