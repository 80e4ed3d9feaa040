import type { PoolProxyStats } from "../ledger/proxy-stats.ts";

// What only its owner can put right.
const permanentReasons: ReadonlySet<string> = new Set(["proxy-auth", "proxy-payment"]);

/**
 * Says why no proxy will work however long one waits: each of them is retired, or wants other credentials or money.
 * Undefined where one may yet come back.
 */
export function proxyExhaustion(figures: readonly PoolProxyStats[]): string | undefined {
  const reasons = figures.map(permanentReason);
  if (reasons.includes(undefined)) return undefined;
  if (reasons.length === 0) return "No proxy is left: the list is empty";
  const counts = Map.groupBy(reasons, (reason) => reason);
  const said = [...counts]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .map(([reason, { length }]) => `${length} ${reason}`);
  const all = reasons.length === 1 ? "the only one is" : `all ${reasons.length} are`;
  return `No proxy is left: ${all} out of use (${said.join(", ")})`;
}

function permanentReason({ state, activeCooldowns }: PoolProxyStats): string | undefined {
  const everywhere = activeCooldowns.find(({ host }) => host === undefined)?.reason;
  if (everywhere !== undefined && permanentReasons.has(everywhere)) return everywhere;
  return state === "retired" ? `retired for ${everywhere ?? "its failures"}` : undefined;
}
