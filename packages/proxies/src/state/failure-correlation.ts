import type { PoolSettings } from "../options/settings.ts";
import {
  provesProxyWorks,
  hasRepeated,
  isRouteFailure,
  mayBeOrigin,
  toFailureSignature,
  addSuspectedFailure,
  type SuspectedFailure,
} from "../rules/outcome-effects.ts";
import type { Host, Member } from "./member.ts";
import type { ProxyOutcome } from "../rules/outcome.ts";

export interface FailureCorrelationOptions extends Pick<
  PoolSettings,
  "originFailure" | "proxyFailure" | "clock"
> {
  /** Returns the number of proxies that are not on a cooldown for every host. */
  readonly countAvailable: () => number;
}

/** What a failure shows in connection with earlier ones. */
export interface Correlation {
  /** Whether the host itself fails. */
  readonly originDown: boolean;
  /** The members that were blamed before this failure showed that the host is at fault; otherwise empty. */
  readonly cleared: readonly Member[];
  /** Whether the proxy fails at several hosts without a success in between. */
  readonly atSeveralHosts: boolean;
}

// One host that invents the failure of a proxy proves nothing.
const hostsThatAgree = 2;

const noCorrelation: Correlation = { originDown: false, cleared: [], atSeveralHosts: false };

/**
 * Separates a failing host from a failing proxy. If several proxies fail in the same way at one host, the host is at
 * fault. If one proxy fails at several hosts, the proxy is.
 */
export class FailureCorrelation {
  readonly #options: FailureCorrelationOptions;

  constructor(options: FailureCorrelationOptions) {
    this.#options = options;
  }

  /**
   * Returns the outcome that counts: what one host says about a proxy is a suspicion, unless another host has said the same
   * since the proxy last worked.
   */
  weigh(member: Member, host: Host, outcome: ProxyOutcome): ProxyOutcome {
    const { clock, proxyFailure } = this.#options;
    const { kind, reason: signature, suspicion } = outcome;
    if (provesProxyWorks(kind)) member.suspicions = [];
    const now = clock.now();
    if (suspicion === undefined || now < member.vouchedUntil) return outcome;
    const rule = { ...proxyFailure, count: hostsThatAgree };
    member.suspicions = addSuspectedFailure(rule, member.suspicions, { source: host, signature, at: now });
    return hasRepeated(rule, member.suspicions, { signature, now })
      ? { ...outcome, kind: suspicion }
      : outcome;
  }

  /** Records the outcome of an attempt. Returns what it shows together with earlier ones. */
  record(member: Member, host: Host, outcome: ProxyOutcome): Correlation {
    const { kind } = outcome;
    const { clock, proxyFailure } = this.#options;
    const now = clock.now();
    if (kind === "success") {
      host.suspectedFailures = [];
      host.workedAt = now;
    }
    if (provesProxyWorks(kind)) member.suspectedFailures = [];
    if (!mayBeOrigin(kind)) return noCorrelation;
    const signature = toFailureSignature(outcome);
    const correlation = this.#correlateAtHost(host, { source: member, signature, at: now });
    if (isRouteFailure(kind) && !correlation.originDown)
      member.suspectedFailures = addSuspectedFailure(proxyFailure, member.suspectedFailures, {
        source: host,
        signature: "",
        at: now,
      });
    const atSeveralHosts = hasRepeated(proxyFailure, member.suspectedFailures, { signature: "", now });
    return { ...correlation, atSeveralHosts };
  }

  #correlateAtHost(
    host: Host,
    latest: SuspectedFailure<Member>,
  ): Pick<Correlation, "originDown" | "cleared"> {
    const { originFailure, proxyFailure, countAvailable } = this.#options;
    const { source, signature, at: now } = latest;
    // In a small pool all available proxies must fail. One proxy alone proves nothing about the host.
    const rule = { ...originFailure, count: Math.max(2, Math.min(originFailure.count, countAvailable())) };
    const wasDown = hasRepeated(rule, host.suspectedFailures, { signature, now });
    // If the host has recently worked, a proxy that never worked is no evidence against the host.
    const isEvidence = source.hasWorked || host.workedAt <= now - proxyFailure.window;
    if (isEvidence)
      host.suspectedFailures = addSuspectedFailure(originFailure, host.suspectedFailures, latest);
    const originDown = hasRepeated(rule, host.suspectedFailures, { signature, now });
    if (!originDown) return { originDown, cleared: [] };
    const suspects = host.suspectedFailures
      .filter((failure) => failure.signature === signature)
      .map((failure) => failure.source);
    for (const member of [source, ...suspects])
      member.suspectedFailures = member.suspectedFailures.filter((failure) => failure.source !== host);
    return { originDown, cleared: wasDown ? [] : suspects };
  }
}
