import assert from "node:assert/strict";
import { test } from "node:test";
import { ProxyShortage } from "./proxy-shortage.ts";

const wait = { until: 60_000, why: "all rest", exhaustion: undefined, now: 0 };

test("a host that waits for a proxy is looked at again after five seconds, or when one is said to be fit", () => {
  const shortage = new ProxyShortage();
  shortage.add("a.test", wait);
  shortage.add("b.test", { ...wait, until: 3_000 });

  assert.deepEqual([shortage.nextRecheckAt, shortage.nextEndAt], [3_000, 3_000]);
  assert.deepEqual(shortage.takeDueHosts(3_000), ["b.test"]);
  assert.deepEqual([shortage.nextRecheckAt, shortage.nextEndAt], [5_000, 60_000]);
  assert.deepEqual(shortage.takeDueHosts(5_000), ["a.test"]);
  assert.deepEqual([shortage.isActive, shortage.why], [false, "all rest"]);
});

test("it is told of once, and again where it lasts for longer", () => {
  const shortage = new ProxyShortage();

  const news = [60_000, 60_000, 65_000, 65_001, 70_002].map((until) =>
    shortage.add("a.test", { ...wait, until }),
  );

  assert.deepEqual(news, [true, false, false, false, true]);
});

test("where there is no hope it lasts for good, and says why", () => {
  const shortage = new ProxyShortage();

  const news = shortage.add("a.test", { ...wait, exhaustion: "the only one is locked" });
  shortage.takeDueHosts(60_000);

  assert.deepEqual(
    [news, shortage.isExhausted, shortage.isActive, shortage.why],
    [false, true, true, "the only one is locked"],
  );
});
