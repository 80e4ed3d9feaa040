import type { HealthInput } from "./health.ts";
import type { OutcomeKind, ProxyOutcome } from "./outcome.ts";

type Effect = Exclude<HealthInput["type"], "leased">;

/** The effects of an outcome on the health of a proxy: at the host, and for every host. */
export interface OutcomeEffects {
  readonly atHost: Effect;
  readonly everywhere: Effect;
  /** Whether another proxy may do better immediately. */
  readonly tryAnotherProxy: boolean;
}

/**
 * The effects of each outcome. The reference of proxy pools has the same table with the statuses and errors behind each
 * kind. rules/health.ts says what an effect changes.
 */
const effects: Readonly<Record<OutcomeKind, readonly [atHost: Effect, everywhere: Effect]>> = {
  success: ["succeeded", "succeeded"],
  // The proxy worked; the origin did not.
  origin: ["ignored", "succeeded"],
  void: ["ignored", "ignored"],
  failed: ["failed", "ignored"],
  // The proxy worked; the host rejects its address.
  blocked: ["refused", "succeeded"],
  throttled: ["throttled", "succeeded"],
  unreachable: ["refused", "ignored"],
  distorted: ["refused", "ignored"],
  "proxy-failed": ["ignored", "refused"],
  "proxy-throttled": ["ignored", "throttled"],
  // Another proxy may do better at this host. Whether this one works elsewhere is unknown.
  "proxy-suspected": ["refused", "ignored"],
};

/** The facts besides the outcome that decide about its effects. */
export interface EffectsInput {
  /** `many`: a gateway replaces a refused address soon; `only`: the pool has no other proxy, so a cooldown would stall it. */
  readonly kind: "one" | "many" | "only";
  /** Whether the host itself fails. */
  readonly originDown: boolean;
  /** Whether the vendor's session had already ended: it was blamed once, and the next session continues. */
  readonly sessionOver: boolean;
  /** Whether the proxy failed at several hosts without a success in between. */
  readonly atSeveralHosts: boolean;
}

const noEffects: OutcomeEffects = { atHost: "ignored", everywhere: "ignored", tryAnotherProxy: false };

/** Decides the effects of an outcome. */
export function decideEffects(kind: OutcomeKind, input: EffectsInput): OutcomeEffects {
  if (input.originDown && mayBeOrigin(kind)) return noEffects;
  const [atHost, everywhereAlone] = effects[kind];
  const everywhere = input.atSeveralHosts && isRouteFailure(kind) ? "refused" : everywhereAlone;
  if (!isHarmful(atHost)) return { atHost, everywhere, tryAnotherProxy: isHarmful(everywhere) };
  return { everywhere, ...decideEffectsAtHost(atHost, input) };
}

function decideEffectsAtHost(
  atHost: Effect,
  { kind, sessionOver }: EffectsInput,
): Pick<OutcomeEffects, "atHost" | "tryAnotherProxy"> {
  if (kind === "many") return { atHost: sessionOver ? "ignored" : "failed", tryAnotherProxy: true };
  // A throttle names its own wait. For a refusal of the only proxy, a point is enough.
  if (kind === "only" && atHost === "refused") return { atHost: "failed", tryAnotherProxy: false };
  return { atHost, tryAnotherProxy: true };
}

/** Returns whether an outcome may be the host's fault, which shows when several proxies fail in the same way. */
export function mayBeOrigin(kind: OutcomeKind): boolean {
  return kind === "failed" || isRouteFailure(kind);
}

/** Returns whether the route to the host failed. If the proxy causes it, it fails at several hosts. */
export function isRouteFailure(kind: OutcomeKind): boolean {
  return kind === "unreachable" || kind === "distorted";
}

/** Returns whether an outcome proves that the proxy works. */
export function provesProxyWorks(kind: OutcomeKind): boolean {
  return effects[kind][1] === "succeeded";
}

/** Returns the signature by which failures count as the same: unreachable hosts vary in reason, rejected certificates do not. */
export function toFailureSignature({ kind, reason }: Pick<ProxyOutcome, "kind" | "reason">): string {
  return kind === "distorted" ? reason : "unreachable";
}

/** A failure of an unknown cause. For a proxy, `source` is the host where it failed; for a host, the proxy. */
export interface SuspectedFailure<T> {
  readonly source: T;
  readonly signature: string;
  readonly at: number;
}

/** The number of sources that must fail in the same way within a window, in milliseconds. */
export interface RepetitionRule {
  readonly count: number;
  readonly window: number;
}

/** Adds a failure. Keeps the latest of each source, and only those within the window. */
export function addSuspectedFailure<T>(
  { count, window }: RepetitionRule,
  failures: readonly SuspectedFailure<T>[],
  latest: SuspectedFailure<T>,
): readonly SuspectedFailure<T>[] {
  const recent = failures.filter(({ source, at }) => source !== latest.source && at > latest.at - window);
  const same = recent.filter(({ signature }) => signature === latest.signature);
  const others = recent.filter(({ signature }) => signature !== latest.signature);
  return [...others, ...[...same, latest].slice(-count)];
}

/** Returns whether enough sources failed with the same signature within the window. */
export function hasRepeated<T>(
  { count, window }: RepetitionRule,
  failures: readonly SuspectedFailure<T>[],
  { signature, now }: { readonly signature: string; readonly now: number },
): boolean {
  const same = failures.filter((failure) => failure.signature === signature && failure.at > now - window);
  return same.length >= count;
}

function isHarmful(effect: Effect): boolean {
  return effect === "refused" || effect === "throttled";
}
