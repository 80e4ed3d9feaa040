import assert from "node:assert/strict";
import { test } from "node:test";
import { ProxyPool } from "@holdfast/proxies";
import type { PoolProxyStats, RunProxyStats, ProxyReport } from "@holdfast/runner";
import { renderProxyReport } from "./proxy-report.ts";

const [idle]: readonly PoolProxyStats[] = new ProxyPool(["http://10.0.0.1:8080"]).stats().proxies;
assert.ok(idle !== undefined);
const { proxy: _proxy, state: _state, cooldownReasons: _reasons, activeCooldowns: _rests, ...none } = idle;

function report(...each: readonly RunProxyStats[]): ProxyReport {
  return {
    totals: { ...none, proxies: each.length, requests: 1_500, successes: 1_480, blocks: 12 },
    byProxy: each,
  };
}

test("each proxy has a row with its counts, its state and the reasons of its cooldowns", () => {
  const blocked: RunProxyStats = {
    ...idle,
    requests: 12,
    blocks: 12,
    cooldowns: 3,
    cooldownReasons: { proxy: 1, "http-403": 2 },
    activeCooldowns: [{ host: "shop.test", reason: "http-403", until: 61_500 }],
    requestsBeforeBlock: 0,
  };
  const retired: RunProxyStats = {
    ...idle,
    state: "retired",
    requests: 9,
    failures: 9,
    cooldowns: 5,
    cooldownReasons: { proxy: 5 },
    activeCooldowns: [{ reason: "proxy", until: 3_600_000 }],
  };
  const limited: RunProxyStats = {
    ...idle,
    requests: 1_480,
    successes: 1_400,
    blocks: 7,
    throttles: 80,
    bytes: 12_000_000,
    requestsBeforeBlock: 210.4,
    cooldownReasons: { "http-429": 80 },
    activeCooldowns: [{ reason: "http-429", until: 900 }],
  };

  assert.equal(
    renderProxyReport(report(blocked, retired, limited), { date: 1_000 }),
    `Proxies   3 (1 cooling down, 1 retired, 1 available): 1,500 requests, 1,480 ok, 12 blocked, 0 B
  proxy                 requests     ok  blocked  limited  failed  cooldowns  bytes  state
  http://10.0.0.1:8080        12      0       12        0       0          3    0 B  cooling down for 1 min 1 s (http-403 x2, down)
  http://10.0.0.1:8080         9      0        0        0       9          5    0 B  retired (down x5)
  http://10.0.0.1:8080     1,480  1,400        7       80       0          0  12 MB  available (http-429 x80, blocked after 210 requests)`,
  );
});

test("the table has at most 20 rows, then the number of further proxies", () => {
  const many = Array.from({ length: 50 }, (_, index) => ({ ...idle, proxy: `http://10.0.0.${index}:1` }));

  const lines = renderProxyReport(report(...many), { date: 0 }).split("\n");

  assert.equal(lines.length, 23);
  assert.match(lines[0] ?? "", /^Proxies {3}50 \(50 available\): .*; worst first$/);
  assert.equal(lines.at(-1), "  and 30 more");
});
