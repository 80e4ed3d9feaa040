import assert from "node:assert/strict";
import { test } from "node:test";
import type { PoolProxyStats } from "../ledger/proxy-stats.ts";
import { proxyExhaustion } from "./proxy-exhaustion.ts";
import { idleProxyStats } from "../testing/idle-proxy-stats.ts";

const until = 9_000;
const available: PoolProxyStats = { ...idleProxyStats, requests: 1 };
const coolingDown = (reason: string): PoolProxyStats => ({
  ...available,
  state: "cooling-down",
  activeCooldowns: [{ reason, until }],
});
const locked = coolingDown("proxy-auth");
const unpaid = coolingDown("proxy-payment");
const down = coolingDown("proxy");
const retired: PoolProxyStats = { ...down, state: "retired" };
const blocked: PoolProxyStats = {
  ...available,
  activeCooldowns: [{ host: "shop.test", reason: "http-403", until }],
};
const lockedAtOne: PoolProxyStats = {
  ...available,
  activeCooldowns: [{ host: "shop.test", reason: "proxy-auth", until }],
};

test("proxies are exhausted when each is retired, or needs other credentials or a payment", () => {
  const rows: readonly (readonly [string, readonly PoolProxyStats[], string | undefined])[] = [
    ["one is available", [locked, available], undefined],
    ["one is cooling down", [locked, down], undefined],
    ["all are blocked at one host", [blocked, blocked], undefined],
    ["one host needs credentials", [lockedAtOne], undefined],
    [
      "the only one needs other credentials",
      [locked],
      "No proxy is left: the only one is out of use (1 proxy-auth)",
    ],
    [
      "all, for different reasons",
      [unpaid, retired, unpaid],
      "No proxy is left: all 3 are out of use (2 proxy-payment, 1 retired for proxy)",
    ],
    ["the list is empty", [], "No proxy is left: the list is empty"],
  ];

  for (const [title, proxies, why] of rows) assert.equal(proxyExhaustion(proxies), why, title);
});
