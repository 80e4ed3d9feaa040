import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addFigures, isFigures, reportOn } from "./proxy-stats.ts";
import { idle } from "../testing/idle-figures.ts";

describe("figures of proxies", () => {
  it("add up over the times that a run was begun anew; the state is the latest", () => {
    const before = addFigures(
      [],
      [
        {
          ...idle,
          requests: 10,
          successes: 8,
          blocks: 2,
          rests: 2,
          restReasons: { "http-403": 2 },
          bytes: 5,
        },
      ],
    );
    const restsAt = [{ host: "shop.test", reason: "http-403", until: 9 }];
    const restReasons = { "http-403": 1, proxy: 1 };

    const [sum] = addFigures(before, [
      { ...idle, state: "resting", requests: 5, blocks: 1, rests: 2, restReasons, restsAt, bytes: 1 },
    ]);

    assert.deepEqual(sum, {
      ...idle,
      state: "resting",
      requests: 15,
      successes: 8,
      blocks: 3,
      rests: 4,
      restReasons: { "http-403": 3, proxy: 1 },
      restsAt,
      bytes: 6,
      requestsBeforeBlock: 4,
    });
  });

  it("keep a proxy that has left the list", () => {
    const gone = { ...idle, proxy: "http://gone.test:1", requests: 3 };

    const figures = addFigures([gone], [idle]);

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
      { ...idle, proxy: "unused" },
      { ...idle, proxy: "good", requests: 9, successes: 9, bytes: 90 },
      { ...idle, proxy: "bad", requests: 2, blocks: 2 },
      { ...idle, proxy: "worse", requests: 3, failures: 3 },
      { ...idle, proxy: "so-so", requests: 4, successes: 2 },
    ];

    const { sum, each } = reportOn(figures);

    assert.deepEqual(
      each.map(({ proxy }) => proxy),
      ["worse", "bad", "so-so", "good", "unused"],
    );
    assert.deepEqual(sum, {
      proxies: 5,
      requests: 18,
      successes: 11,
      blocks: 2,
      throttles: 0,
      failures: 3,
      rests: 0,
      bytes: 90,
    });
  });

  it("are recognised when they are read back, and nothing else is", () => {
    assert.equal(isFigures(JSON.parse(JSON.stringify(addFigures([], [idle])))), true);
    for (const other of [undefined, {}, [null], [{ proxy: 1 }], [{ ...idle, bytes: "1" }]])
      assert.equal(isFigures(other), false);
  });
});
