import type { HealthInput } from "./health.ts";
import type { OutcomeKind } from "./outcome.ts";

/** What happens to the health of an address by an outcome: at the host, and at every host. */
export interface Blame {
  readonly atHost: Exclude<HealthInput["type"], "leased">;
  readonly everywhere: Exclude<HealthInput["type"], "leased">;
}

const table: Readonly<Record<OutcomeKind, readonly [Blame["atHost"], Blame["everywhere"]]>> = {
  success: ["succeeded", "succeeded"],
  origin: ["ignored", "succeeded"],
  void: ["ignored", "ignored"],
  failed: ["failed", "ignored"],
  // The proxy did its work: the host does not want the address.
  blocked: ["refused", "succeeded"],
  throttled: ["throttled", "succeeded"],
  unreachable: ["refused", "ignored"],
  "proxy-failed": ["ignored", "refused"],
  "proxy-throttled": ["ignored", "throttled"],
};

/** Whom an outcome blames. */
export function blameOf(
  kind: OutcomeKind,
  /** Whether the proxy has many addresses behind it, so that one that is refused is soon another. */
  { gateway, originDown }: { readonly gateway: boolean; readonly originDown: boolean },
): Blame {
  const [atHost, everywhere] = table[kind];
  if (originDown && mayBeOrigin(kind)) return { atHost: "ignored", everywhere: "ignored" };
  const ofSession = gateway && (kind === "blocked" || kind === "throttled");
  return { atHost: ofSession ? "failed" : atHost, everywhere };
}

/** Whether an outcome may be the origin's fault, which shows when several addresses fail alike. */
export function mayBeOrigin(kind: OutcomeKind): boolean {
  return kind === "unreachable" || kind === "failed";
}

/** Whether another address may do better at once. */
export function callsForAnother(kind: OutcomeKind): boolean {
  return table[kind].some((effect) => effect === "refused" || effect === "throttled");
}

/** A failure at a host that may be the host's own. */
export interface Suspicion<T> {
  readonly who: T;
  readonly at: number;
}

/** How many addresses have to fail alike, within which time in milliseconds, for it to be the origin. */
export interface AlikeRule {
  readonly addresses: number;
  readonly window: number;
}

/** The suspicions after one more: the latest of each address, those of the window. */
export function suspect<T>(
  { addresses, window }: AlikeRule,
  suspicions: readonly Suspicion<T>[],
  latest: Suspicion<T>,
): readonly Suspicion<T>[] {
  const recent = suspicions.filter(({ who, at }) => who !== latest.who && at > latest.at - window);
  return [...recent, latest].slice(-addresses);
}

/** Whether it is the origin that fails: no address is to blame. */
export function isOriginDown<T>(
  { addresses, window }: AlikeRule,
  suspicions: readonly Suspicion<T>[],
  now: number,
): boolean {
  return suspicions.filter(({ at }) => at > now - window).length >= addresses;
}
