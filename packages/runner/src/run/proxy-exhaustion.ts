import type { PoolProxyStats } from "../ledger/proxy-stats.ts";

// Only the owner of the proxy can fix these.
const permanentReasons: ReadonlySet<string> = new Set(["proxy-auth", "proxy-payment"]);

/** Returns why no proxy will ever be available: each is retired, or needs other credentials or a payment. Undefined when one may come back. */
export function proxyExhaustion(proxies: readonly PoolProxyStats[]): string | undefined {
  const reasons = proxies.map(permanentReason);
  if (reasons.includes(undefined)) return undefined;
  if (reasons.length === 0) return "No proxy is left: the list is empty";
  const byReason = Map.groupBy(reasons, (reason) => reason);
  const counts = [...byReason]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .map(([reason, { length }]) => `${length} ${reason}`);
  const all = reasons.length === 1 ? "the only one is" : `all ${reasons.length} are`;
  return `No proxy is left: ${all} out of use (${counts.join(", ")})`;
}

function permanentReason({ state, activeCooldowns }: PoolProxyStats): string | undefined {
  const everywhere = activeCooldowns.find(({ host }) => host === undefined)?.reason;
  if (everywhere !== undefined && permanentReasons.has(everywhere)) return everywhere;
  return state === "retired" ? `retired for ${everywhere ?? "its failures"}` : undefined;
}
