import { systemClock, systemRandom, type Clock, type Random } from "@holdfast/policy";
import { toMs } from "@holdfast/policy/internal";
import { isObject, refuse } from "@holdfast/http/internal";
import type { RepetitionRule } from "../rules/attribution.ts";
import type { ProxyListener } from "./events.ts";
import type { HealthRule } from "../rules/health.ts";
import { poolOptionsCheck, tiersCheck } from "./validate-options.ts";
import type { ProxyRequest } from "@holdfast/http";
import type { ChooseProxy, IsBlocked, ProxyPoolOptions, ProxySource, ProxyTier } from "./options.ts";
import type { RotationName } from "../rules/rotation.ts";
import { tierDefaults, type TierRule } from "../rules/tiers.ts";

/** The options of a pool with all that was left out. */
export interface PoolSettings {
  readonly rotation: RotationName | ChooseProxy;
  readonly rule: HealthRule;
  /** The one for a proxy with many addresses, and for one that is alone. */
  readonly lenient: HealthRule;
  readonly originFailure: RepetitionRule;
  readonly proxyFailure: RepetitionRule;
  readonly tierRule: TierRule;
  readonly rotatesPerConnection: boolean;
  readonly sticky: (request: ProxyRequest) => string | undefined;
  readonly userAgents: readonly string[];
  readonly maxIdentities: number;
  readonly identityIdle: number;
  readonly isBlocked: IsBlocked | undefined;
  readonly waitsWhenEmpty: boolean;
  readonly on: ProxyListener | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

/** What a pool does when it is told nothing; times are milliseconds. */
export const proxyPoolDefaults = {
  rotation: "round-robin",
  cooldown: 30_000,
  maxCooldown: 3_600_000,
  retireAfter: 5,
  /** Failures that may be the proxy's, less half of its successes, before it rests for a host: who fails every second time does. */
  limit: 3,
  reward: 0.5,
  /** Failures in a row before one rests for a host that has many addresses, or that is the only one. */
  lenientLimit: 8,
  /** In what time a failure counts half. */
  halfLife: 300_000,
  /** How long a probe may take. */
  probe: 120_000,
  /** So many proxies that fail alike within the window show that it is the origin. */
  originFailure: { count: 3, window: 30_000 },
  /** One that fails at so many hosts within the window, and at none in between not, is itself at fault. */
  proxyFailure: { count: 3, window: 600_000 },
  maxIdentities: 10_000,
  identityIdle: 1_800_000,
  whenEmpty: "fail",
} as const;

/** @throws TypeError or RangeError for an option that is none. */
export function resolveSettings(options: ProxyPoolOptions): PoolSettings {
  refuse("ProxyPool", poolOptionsCheck(options));
  const {
    rotation = proxyPoolDefaults.rotation,
    whenEmpty = proxyPoolDefaults.whenEmpty,
    minSuccessRate,
  } = options;
  const { clock = systemClock, random = systemRandom, isBlocked, on } = options;
  const rule = resolveHealthRule(options);
  return {
    rotation,
    rule,
    lenient: { ...rule, limit: proxyPoolDefaults.lenientLimit, reward: proxyPoolDefaults.lenientLimit },
    originFailure: proxyPoolDefaults.originFailure,
    proxyFailure: proxyPoolDefaults.proxyFailure,
    tierRule: { ...tierDefaults, ...(minSuccessRate !== undefined && { minSuccessRate }) },
    rotatesPerConnection: options.rotatesPerConnection === true,
    isBlocked,
    waitsWhenEmpty: whenEmpty === "wait",
    ...identitySettingsOf(options),
    on,
    clock,
    random,
  };
}

function identitySettingsOf({
  sticky,
  userAgents = [],
  maxIdentities = proxyPoolDefaults.maxIdentities,
  identityIdle = proxyPoolDefaults.identityIdle,
}: ProxyPoolOptions): Pick<PoolSettings, "sticky" | "userAgents" | "maxIdentities" | "identityIdle"> {
  return { sticky: resolveSticky(sticky), userAgents, maxIdentities, identityIdle: toMs(identityIdle) };
}

/**
 * The tiers of a pool; a source alone is one tier, whose requests cost nothing.
 *
 * @throws TypeError or RangeError for what are none.
 */
export function resolveTiers(
  source: ProxySource | { readonly tiers: readonly ProxyTier[] },
): readonly [ProxyTier, ...ProxyTier[]] {
  if (!isObject(source) || !("tiers" in source))
    return [{ name: "all", proxies: source, cost: { perRequest: 0 } }];
  refuse("ProxyPool", tiersCheck(source));
  const [first, ...more] = source.tiers;
  if (first === undefined) throw new TypeError("A pool of tiers needs at least one");
  return [first, ...more];
}

function resolveHealthRule({ cooldown, maxCooldown, retireAfter }: ProxyPoolOptions): HealthRule {
  const { limit, reward, halfLife, probe, ...defaults } = proxyPoolDefaults;
  return {
    cooldown: toMs(cooldown ?? defaults.cooldown),
    maxCooldown: Math.max(toMs(maxCooldown ?? defaults.maxCooldown), toMs(cooldown ?? 0)),
    retireAfter: retireAfter ?? defaults.retireAfter,
    limit,
    reward,
    halfLife,
    probe,
  };
}

function resolveSticky(sticky: ProxyPoolOptions["sticky"]): PoolSettings["sticky"] {
  if (sticky === undefined) return () => undefined;
  return sticky === "host" ? ({ url }) => url.host : sticky;
}
