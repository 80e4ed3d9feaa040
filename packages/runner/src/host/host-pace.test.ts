import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  afterOverload,
  afterServed,
  afterStart,
  firstPace,
  type HostPace,
  type PaceRule,
} from "./host-pace.ts";

const rule: PaceRule = { perHost: 8, interval: 0 };

/** Serves `count` requests with this time to the first byte, with all places in use. */
function serve(pace: HostPace, count: number, ...[ttfb, perHost = 8]: readonly [number, number?]): HostPace {
  return Array.from({ length: count }).reduce<HostPace>(
    (before) => afterServed(before, { ...rule, perHost }, { ttfb, inFlight: Math.floor(before.limit) }),
    pace,
  );
}

describe("the pace of a host", () => {
  it("begins with one request, and rises by one for each good response, to the user's limit", () => {
    const limits = [0, 1, 2, 3, 20].map((count) => serve(firstPace, count, 5).limit);

    assert.deepEqual(limits, [1, 2, 3, 4, 8]);
  });

  it("does not rise while its places are not used", () => {
    const pace = serve(firstPace, 3, 5);

    assert.equal(afterServed(pace, rule, { ttfb: 5, inFlight: 1 }).limit, pace.limit);
  });

  it("rises to the limit of a server that is slow all the time", () => {
    assert.equal(serve(firstPace, 20, 1_500).limit, 8);
  });

  it("falls while responses take much longer than usual, and rises when they do not any more", () => {
    const fast = serve(firstPace, 200, 10, 64);
    const late = serve(fast, 800, 5_000, 64);
    const early = [50, 150].map((count) => serve(fast, count, 5_000, 64).limit);

    assert.equal(fast.limit, 64);
    assert.ok((early[0] ?? 0) < 64 && (early[1] ?? 0) < (early[0] ?? 0), String(early));
    assert.ok(late.limit >= 1);
    assert.ok(serve(late, 500, 10, 64).limit > late.limit);
  });

  it("falls by half once for all requests that were in flight together, to one at least", () => {
    const pace = serve(firstPace, 20, 5);
    const burst = [1, 2, 3].reduce((before, late) => afterOverload(before, 100 + late, 90), pace);
    const next = afterOverload(burst, 300, 290);

    assert.deepEqual([pace.limit, burst.limit, next.limit], [8, 4, 2]);
    assert.equal(afterOverload(firstPace, 5, 4).limit, 1);
  });

  it("spaces the starts of requests by the user's interval, and saves up nothing", () => {
    const slow = { perHost: 8, interval: 100 };
    const first = afterStart(firstPace, slow, 1_000);
    const second = afterStart(first, slow, 1_100);
    const later = afterStart(second, slow, 9_000);

    assert.deepEqual(
      [first, second, later].map(({ nextStartAt }) => nextStartAt),
      [1_100, 1_200, 9_100],
    );
  });
});
