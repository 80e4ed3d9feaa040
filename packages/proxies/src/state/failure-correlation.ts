import type { Clock } from "@holdfast/policy";
import {
  provesProxyWorks,
  hasRepeated,
  isRouteFailure,
  mayBeOrigin,
  signatureOf,
  addFailure,
  type RepetitionRule,
  type SuspectedFailure,
} from "../rules/attribution.ts";
import type { Host, Member } from "./member.ts";
import type { ProxyOutcome } from "../rules/outcome.ts";

export interface FailureCorrelationOptions {
  /** How many proxies that fail alike at a host show that it is the host. */
  readonly alike: RepetitionRule;
  /** At how many hosts a proxy has to fail for it to be the proxy. */
  readonly hosts: RepetitionRule;
  readonly clock: Clock;
  /** How many proxies do not rest for every host. */
  readonly fit: () => number;
}

/** What a failure shows beside itself. */
export interface Correlation {
  /** Whether it is the host that fails. */
  readonly originDown: boolean;
  /** Whom it was held against until now; empty unless it has just shown. */
  readonly acquitted: readonly Member[];
  /** Whether the proxy fails at several hosts, and has answered from none in between. */
  readonly atSeveralHosts: boolean;
}

const nothing: Correlation = { originDown: false, acquitted: [], atSeveralHosts: false };

/**
 * Tells a host that fails from a proxy that does: where several proxies fail alike at one host it is the host, where one
 * fails at several hosts it is the proxy.
 */
export class FailureCorrelation {
  readonly #options: FailureCorrelationOptions;

  constructor(options: FailureCorrelationOptions) {
    this.#options = options;
  }

  /** Takes note of how an attempt went, and says what it shows. */
  note(member: Member, host: Host, outcome: ProxyOutcome): Correlation {
    const { kind } = outcome;
    const now = this.#options.clock.now();
    if (kind === "success") {
      host.suspectedFailures = [];
      host.workedAt = now;
    }
    if (provesProxyWorks(kind)) member.suspectedFailures = [];
    if (!mayBeOrigin(kind)) return nothing;
    const sign = signatureOf(outcome);
    const finding = this.#ofHost(host, { who: member, sign, at: now });
    if (isRouteFailure(kind) && !finding.originDown)
      member.suspectedFailures = addFailure(this.#options.hosts, member.suspectedFailures, {
        who: host,
        sign: "",
        at: now,
      });
    const atSeveralHosts = hasRepeated(this.#options.hosts, member.suspectedFailures, { sign: "", now });
    return { ...finding, atSeveralHosts };
  }

  #ofHost(host: Host, latest: SuspectedFailure<Member>): Pick<Correlation, "originDown" | "acquitted"> {
    const { alike, fit, hosts } = this.#options;
    const { who, sign, at: now } = latest;
    // Of few proxies all have to fail; of one alone nobody can tell.
    const rule = { ...alike, count: Math.max(2, Math.min(alike.count, fit())) };
    const wasDown = hasRepeated(rule, host.suspectedFailures, { sign, now });
    // Where the host has answered, one that has never worked says more of itself than of the host.
    const isWitness = who.hasWorked || host.workedAt <= now - hosts.window;
    if (isWitness) host.suspectedFailures = addFailure(alike, host.suspectedFailures, latest);
    const originDown = hasRepeated(rule, host.suspectedFailures, { sign, now });
    if (!originDown) return { originDown, acquitted: [] };
    const suspects = host.suspectedFailures.filter((it) => it.sign === sign).map((it) => it.who);
    for (const each of [who, ...suspects])
      each.suspectedFailures = each.suspectedFailures.filter((it) => it.who !== host);
    return { originDown, acquitted: wasDown ? [] : suspects };
  }
}
