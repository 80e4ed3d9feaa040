export {
  checkProxies,
  type ProxyCheck,
  type ProxyCheckOptions,
  type ProxyChecks,
  type ProxyFailure,
} from "./check/check-proxies.ts";
export type { ProxyCredentials, ProxyEntry, ProxyInput } from "./list/entry.ts";
export type { ProxyEvent, ProxyListener } from "./options/events.ts";
export type { ProxyCounts } from "./options/pool-stats.ts";
export type { OutcomeKind, ProxyOutcome, ProxyVerdictKind } from "./rules/outcome.ts";
export type {
  ChooseProxy,
  IsBlocked,
  ProxyCandidate,
  ProxyPoolOptions,
  ProxyTier,
} from "./options/options.ts";
export type { PoolLease } from "./options/pool-lease.ts";
export { ProxyPool } from "./pool/pool.ts";
export type { RotationName } from "./rules/rotation.ts";
export { proxyPoolDefaults } from "./options/settings.ts";
export type {
  FetchedProxies,
  FetchProxies,
  ProxyEnvironment,
  ProxyFile,
  ProxySource,
} from "./options/options.ts";
export type { PoolSnapshot, RememberedHealth } from "./options/pool-snapshot.ts";
export type { ProxyPoolStats, ProxyStats } from "./options/pool-stats.ts";
export type { SessionLimits } from "./list/entry.ts";
export type { TierCounts } from "./options/pool-stats.ts";
