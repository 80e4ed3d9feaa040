import type { HealthInput } from "./health.ts";
import type { OutcomeKind, ProxyOutcome } from "./outcome.ts";

type Effect = Exclude<HealthInput["type"], "leased">;

/** What happens to the health of a proxy by an outcome: at the host, and at every host. */
export interface Attribution {
  readonly atHost: Effect;
  readonly everywhere: Effect;
  /** Whether another address may do better at once. */
  readonly tryAnotherProxy: boolean;
}

/**
 * From what was seen to what happens by it. docs/reference/proxies.md has the same table for whoever uses a pool, with the statuses
 * and errors behind each kind; what an effect does to the health is in health.ts.
 */
const table: Readonly<Record<OutcomeKind, readonly [atHost: Effect, everywhere: Effect]>> = {
  success: ["succeeded", "succeeded"],
  // The proxy did its work.
  origin: ["ignored", "succeeded"],
  void: ["ignored", "ignored"],
  failed: ["failed", "ignored"],
  // The proxy did its work: the host does not want the address.
  blocked: ["refused", "succeeded"],
  throttled: ["throttled", "succeeded"],
  unreachable: ["refused", "ignored"],
  distorted: ["refused", "ignored"],
  "proxy-failed": ["ignored", "refused"],
  "proxy-throttled": ["ignored", "throttled"],
};

/** What else is known where a proxy is to be blamed. */
export interface AttributionInput {
  /** `many`: one address that is refused is soon another; `only`: there is no other proxy, so that a rest would only stall. */
  readonly kind: "one" | "many" | "only";
  /** Whether the host itself is what fails. */
  readonly originDown: boolean;
  /** Whether the vendor's session that it came through had ended by then: it has been blamed once, and others go on. */
  readonly sessionOver: boolean;
  /** Whether the proxy has failed at several hosts, and at none in between not. */
  readonly atSeveralHosts: boolean;
}

const nobody: Attribution = { atHost: "ignored", everywhere: "ignored", tryAnotherProxy: false };

/** Whom an outcome blames. */
export function attribute(kind: OutcomeKind, circumstances: AttributionInput): Attribution {
  if (circumstances.originDown && mayBeOrigin(kind)) return nobody;
  const [atHost, own] = table[kind];
  const everywhere = circumstances.atSeveralHosts && isRouteFailure(kind) ? "refused" : own;
  if (!isHarm(atHost)) return { atHost, everywhere, tryAnotherProxy: isHarm(everywhere) };
  return { everywhere, ...harmAtHost(atHost, circumstances) };
}

function harmAtHost(
  atHost: Effect,
  { kind, sessionOver }: AttributionInput,
): Pick<Attribution, "atHost" | "tryAnotherProxy"> {
  if (kind === "many") return { atHost: sessionOver ? "ignored" : "failed", tryAnotherProxy: true };
  // Who asks for patience is given it; of anything else a point is enough.
  if (kind === "only" && atHost === "refused") return { atHost: "failed", tryAnotherProxy: false };
  return { atHost, tryAnotherProxy: true };
}

/** Whether an outcome may be the host's own fault, which shows when several proxies fail alike. */
export function mayBeOrigin(kind: OutcomeKind): boolean {
  return kind === "failed" || isRouteFailure(kind);
}

/** Whether an outcome is of the way to one host, and may be of the way to all: then it shows at several of them. */
export function isRouteFailure(kind: OutcomeKind): boolean {
  return kind === "unreachable" || kind === "distorted";
}

/** Whether an outcome shows that the proxy does its work. */
export function provesProxyWorks(kind: OutcomeKind): boolean {
  return table[kind][1] === "succeeded";
}

/** What makes two failures alike: an unreachable host shows in many ways, a certificate that is refused in one. */
export function signatureOf({ kind, reason }: Pick<ProxyOutcome, "kind" | "reason">): string {
  return kind === "distorted" ? reason : "unreachable";
}

/** A failure that may be somebody else's: of a proxy that it may be the host's, of a host that it may be the proxy's. */
export interface SuspectedFailure<T> {
  readonly who: T;
  readonly sign: string;
  readonly at: number;
}

/** How many have to fail alike, within which time in milliseconds, for it not to be theirs. */
export interface RepetitionRule {
  readonly count: number;
  readonly window: number;
}

/** The suspicions after one more: the latest of each, those of the window. */
export function addFailure<T>(
  { count: many, window }: RepetitionRule,
  suspicions: readonly SuspectedFailure<T>[],
  latest: SuspectedFailure<T>,
): readonly SuspectedFailure<T>[] {
  const recent = suspicions.filter(({ who, at }) => who !== latest.who && at > latest.at - window);
  const alike = recent.filter(({ sign }) => sign === latest.sign);
  const others = recent.filter(({ sign }) => sign !== latest.sign);
  return [...others, ...[...alike, latest].slice(-many)];
}

/** Whether so many failed alike that none of them is to blame. */
export function hasRepeated<T>(
  { count: many, window }: RepetitionRule,
  suspicions: readonly SuspectedFailure<T>[],
  { sign, now }: { readonly sign: string; readonly now: number },
): boolean {
  return suspicions.filter((it) => it.sign === sign && it.at > now - window).length >= many;
}

function isHarm(effect: Effect): boolean {
  return effect === "refused" || effect === "throttled";
}
