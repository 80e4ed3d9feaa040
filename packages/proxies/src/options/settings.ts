import { systemClock, systemRandom, type Clock, type Random } from "@holdfast/policy";
import { stripRootDot, toMs } from "@holdfast/policy/internal";
import { isObject, refuse } from "@holdfast/http/internal";
import type { RepetitionRule } from "../rules/outcome-effects.ts";
import type { ProxyListener } from "./events.ts";
import type { HealthRule } from "../rules/health.ts";
import { poolOptionsCheck, tiersCheck } from "./validate-options.ts";
import type { ProxyRequest } from "@holdfast/http";
import type { ChooseProxy, IsBlocked, ProxyPoolOptions, ProxySource, ProxyTier } from "./options.ts";
import type { RotationName } from "../rules/rotation.ts";
import { tierDefaults, type TierRule } from "../rules/tiers.ts";

/** The options of a pool with defaults applied. */
export interface PoolSettings {
  readonly rotation: RotationName | ChooseProxy;
  readonly rule: HealthRule;
  /** Rule for a gateway with many addresses, and for the only proxy of a pool. */
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

/** Defaults of a pool. Times are milliseconds. */
export const proxyPoolDefaults = {
  rotation: "round-robin",
  cooldown: 30_000,
  maxCooldown: 3_600_000,
  retireAfter: 5,
  /** Points until a cooldown at a host. With this reward, a proxy that fails every second time gets a cooldown. */
  limit: 3,
  reward: 0.5,
  /** Consecutive failures until a cooldown at a host, for a gateway and for the only proxy. */
  lenientLimit: 8,
  /** Time in which a score halves. */
  halfLife: 300_000,
  /** Longest duration of a probe. */
  probe: 120_000,
  /** Proxies that must fail in the same way within the window to show that the host is at fault. */
  originFailure: { count: 3, window: 30_000 },
  /** Hosts at which a proxy must fail within the window, without a success in between, to show that the proxy is at fault. */
  proxyFailure: { count: 3, window: 600_000 },
  maxIdentities: 10_000,
  identityIdle: 1_800_000,
  whenEmpty: "fail",
} as const;

/** Validates options and applies defaults. @throws TypeError or RangeError for an invalid option. */
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
    ...resolveIdentitySettings(options),
    on,
    clock,
    random,
  };
}

function resolveIdentitySettings({
  sticky,
  userAgents = [],
  maxIdentities = proxyPoolDefaults.maxIdentities,
  identityIdle = proxyPoolDefaults.identityIdle,
}: ProxyPoolOptions): Pick<PoolSettings, "sticky" | "userAgents" | "maxIdentities" | "identityIdle"> {
  return { sticky: resolveSticky(sticky), userAgents, maxIdentities, identityIdle: toMs(identityIdle) };
}

/**
 * Returns the tiers of a pool. A single source becomes one tier without costs.
 *
 * @throws TypeError or RangeError for invalid tiers.
 */
export function resolveTiers(
  source: ProxySource | { readonly tiers: readonly ProxyTier[] },
): readonly [ProxyTier, ...ProxyTier[]] {
  if (!isObject(source) || !("tiers" in source))
    return [{ name: "all", proxies: source, cost: { perRequest: 0 } }];
  refuse("ProxyPool", tiersCheck(source));
  const [first, ...more] = source.tiers;
  if (first === undefined) throw new TypeError("A pool with tiers needs at least one tier");
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
  return sticky === "host" ? ({ url }) => stripRootDot(url.host) : sticky;
}
