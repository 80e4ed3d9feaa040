import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mergeProxyStats, isProxyStats, buildProxyReport } from "./proxy-stats.ts";
import { idleProxyStats } from "../testing/idle-proxy-stats.ts";

describe("proxy statistics", () => {
  it("are added over the runs in a folder, with the latest state", () => {
    const before = mergeProxyStats(
      [],
      [
        {
          ...idleProxyStats,
          requests: 10,
          successes: 8,
          blocks: 2,
          cooldowns: 2,
          cooldownReasons: { "http-403": 2 },
          bytes: 5,
        },
      ],
    );
    const activeCooldowns = [{ host: "shop.test", reason: "http-403", until: 9 }];
    const cooldownReasons = { "http-403": 1, proxy: 1 };

    const [sum] = mergeProxyStats(before, [
      {
        ...idleProxyStats,
        state: "cooling-down",
        requests: 5,
        blocks: 1,
        cooldowns: 2,
        cooldownReasons,
        activeCooldowns,
        bytes: 1,
      },
    ]);

    assert.deepEqual(sum, {
      ...idleProxyStats,
      state: "cooling-down",
      requests: 15,
      successes: 8,
      blocks: 3,
      cooldowns: 4,
      cooldownReasons: { "http-403": 3, proxy: 1 },
      activeCooldowns,
      bytes: 6,
      requestsBeforeBlock: 4,
    });
  });

  it("keep a proxy that has left the list", () => {
    const gone = { ...idleProxyStats, proxy: "http://gone.test:1", requests: 3 };

    const stats = mergeProxyStats([gone], [idleProxyStats]);

    assert.deepEqual(
      stats.map(({ proxy, requests }) => [proxy, requests]),
      [
        ["http://a.test:1", 0],
        ["http://gone.test:1", 3],
      ],
    );
  });

  it("are reported with totals, the worst proxy first and proxies without requests last", () => {
    const stats = [
      { ...idleProxyStats, proxy: "unused" },
      { ...idleProxyStats, proxy: "good", requests: 9, successes: 9, bytes: 90 },
      { ...idleProxyStats, proxy: "bad", requests: 2, blocks: 2 },
      { ...idleProxyStats, proxy: "worse", requests: 3, failures: 3 },
      { ...idleProxyStats, proxy: "so-so", requests: 4, successes: 2 },
    ];

    const { totals, byProxy } = buildProxyReport(stats);

    assert.deepEqual(
      byProxy.map(({ proxy }) => proxy),
      ["worse", "bad", "so-so", "good", "unused"],
    );
    assert.deepEqual(totals, {
      proxies: 5,
      requests: 18,
      successes: 11,
      blocks: 2,
      throttles: 0,
      failures: 3,
      cooldowns: 0,
      bytes: 90,
    });
  });

  it("are recognised after a round trip through JSON; other values are not", () => {
    assert.equal(isProxyStats(JSON.parse(JSON.stringify(mergeProxyStats([], [idleProxyStats])))), true);
    const others = [
      { bytes: "1" },
      { state: 1 },
      { cooldownReasons: null },
      { cooldownReasons: { "http-403": "1" } },
      { activeCooldowns: {} },
      { activeCooldowns: [null] },
      { activeCooldowns: [{ host: 1, reason: "x", until: 1 }] },
      { activeCooldowns: [{ reason: "x" }] },
    ];
    for (const other of [undefined, {}, [null], [{ proxy: 1 }]]) assert.equal(isProxyStats(other), false);
    for (const other of others)
      assert.equal(isProxyStats([{ ...idleProxyStats, ...other }]), false, JSON.stringify(other));
  });
});
