import type { PoolProxyStats } from "../ledger/proxy-stats.ts";

/** The statistics of a proxy without requests. */
export const idleProxyStats: PoolProxyStats = {
  proxy: "http://a.test:1",
  state: "available",
  requests: 0,
  successes: 0,
  blocks: 0,
  throttles: 0,
  failures: 0,
  cooldowns: 0,
  cooldownReasons: {},
  bytes: 0,
  activeCooldowns: [],
};
