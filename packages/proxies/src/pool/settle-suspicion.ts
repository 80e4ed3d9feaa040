import { ProxyError } from "@holdfast/http";
import type { PoolSettings } from "../options/settings.ts";
import { isProxyVerdict, outcomeFromError, type ProxyOutcome } from "../rules/outcome.ts";
import type { Member } from "../state/member.ts";

/** How to ask a proxy. */
export interface SuspicionTest {
  /** Has the proxy open a tunnel; rejects with its refusal. */
  readonly testTunnel: () => Promise<void>;
  readonly settings: Pick<PoolSettings, "clock" | "rule">;
}

/**
 * Settles what a response over plain http says about a proxy, because the host may have written it: the proxy is asked for a
 * tunnel. Returns the outcome if it refuses for a reason of its own. If it opens the tunnel, it works, and is not asked again
 * for the time of a cooldown. Any other reply leaves the question unsettled.
 */
export async function settleSuspicion(
  member: Member,
  suspected: ProxyOutcome,
  { testTunnel, settings: { clock, rule } }: SuspicionTest,
): Promise<ProxyOutcome | "works" | "unsettled"> {
  if (clock.now() < member.vouchedUntil) return "works";
  member.test ??= testTunnel()
    .catch((error: unknown) => error)
    .finally(() => (member.test = undefined));
  const refusal = await member.test;
  if (refusal instanceof ProxyError) return readOwnWord(refusal, suspected);
  if (refusal !== undefined) return "unsettled";
  member.vouchedUntil = clock.now() + rule.cooldown;
  member.suspicions = [];
  return "works";
}

/** Returns the outcome of a refused tunnel, if the proxy says that it fails itself, or the same as the response. */
function readOwnWord(refusal: ProxyError, { suspicion, reason }: ProxyOutcome): ProxyOutcome | "unsettled" {
  const own = outcomeFromError(refusal);
  if (isProxyVerdict(own.kind)) return own;
  return suspicion !== undefined && reason === `http-${refusal.status}`
    ? { kind: suspicion, reason }
    : "unsettled";
}
