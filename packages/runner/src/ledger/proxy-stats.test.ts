import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mergeProxyStats, isProxyStats, buildProxyReport } from "./proxy-stats.ts";
import { idleProxyStats } from "../testing/idle-proxy-stats.ts";

describe("figures of proxies", () => {
  it("add up over the times that a run was begun anew; the state is the latest", () => {
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

    const figures = mergeProxyStats([gone], [idleProxyStats]);

    assert.deepEqual(
      figures.map(({ proxy, requests }) => [proxy, requests]),
      [
        ["http://a.test:1", 0],
        ["http://gone.test:1", 3],
      ],
    );
  });

  it("are reported with their sum, the worst first, and last who was never asked", () => {
    const figures = [
      { ...idleProxyStats, proxy: "unused" },
      { ...idleProxyStats, proxy: "good", requests: 9, successes: 9, bytes: 90 },
      { ...idleProxyStats, proxy: "bad", requests: 2, blocks: 2 },
      { ...idleProxyStats, proxy: "worse", requests: 3, failures: 3 },
      { ...idleProxyStats, proxy: "so-so", requests: 4, successes: 2 },
    ];

    const { totals, byProxy } = buildProxyReport(figures);

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

  it("are recognised when they are read back, and nothing else is", () => {
    assert.equal(isProxyStats(JSON.parse(JSON.stringify(mergeProxyStats([], [idleProxyStats])))), true);
    for (const other of [undefined, {}, [null], [{ proxy: 1 }], [{ ...idleProxyStats, bytes: "1" }]])
      assert.equal(isProxyStats(other), false);
  });
});
