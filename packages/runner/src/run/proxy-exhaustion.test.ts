import assert from "node:assert/strict";
import { test } from "node:test";
import type { PoolProxyStats } from "../ledger/proxy-stats.ts";
import { proxyExhaustion } from "./proxy-exhaustion.ts";
import { idleProxyStats } from "../testing/idle-proxy-stats.ts";

const until = 9_000;
const fit: PoolProxyStats = { ...idleProxyStats, requests: 1 };
const coolingDown = (reason: string): PoolProxyStats => ({
  ...fit,
  state: "cooling-down",
  activeCooldowns: [{ reason, until }],
});
const locked = coolingDown("proxy-auth");
const unpaid = coolingDown("proxy-payment");
const down = coolingDown("proxy");
const retired: PoolProxyStats = { ...down, state: "retired" };
const blocked: PoolProxyStats = {
  ...fit,
  activeCooldowns: [{ host: "shop.test", reason: "http-403", until }],
};
const lockedAtOne: PoolProxyStats = {
  ...fit,
  activeCooldowns: [{ host: "shop.test", reason: "proxy-auth", until }],
};

test("there is no hope where every proxy is retired, or wants other credentials or money", () => {
  const rows: readonly (readonly [string, readonly PoolProxyStats[], string | undefined])[] = [
    ["one is fit", [locked, fit], undefined],
    ["one only rests", [locked, down], undefined],
    ["all are blocked at a host", [blocked, blocked], undefined],
    ["a host wants credentials", [lockedAtOne], undefined],
    ["the only one is locked", [locked], "No proxy is left: the only one is out of use (1 proxy-auth)"],
    [
      "all for one reason or another",
      [unpaid, retired, unpaid],
      "No proxy is left: all 3 are out of use (2 proxy-payment, 1 retired for proxy)",
    ],
    ["there is none", [], "No proxy is left: the list is empty"],
  ];

  for (const [what, figures, why] of rows) assert.equal(proxyExhaustion(figures), why, what);
});
