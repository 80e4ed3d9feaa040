import assert from "node:assert/strict";
import { test } from "node:test";
import { ProxyShortage } from "./proxy-shortage.ts";

const wait = { until: 60_000, why: "all rest", hopeless: undefined, now: 0 };

test("a host that waits for a proxy is looked at again after five seconds, or when one is said to be fit", () => {
  const shortage = new ProxyShortage();
  shortage.begin("a.test", wait);
  shortage.begin("b.test", { ...wait, until: 3_000 });

  assert.deepEqual([shortage.nextLook, shortage.nextEnd], [3_000, 3_000]);
  assert.deepEqual(shortage.over(3_000), ["b.test"]);
  assert.deepEqual([shortage.nextLook, shortage.nextEnd], [5_000, 60_000]);
  assert.deepEqual(shortage.over(5_000), ["a.test"]);
  assert.deepEqual([shortage.lasts, shortage.why], [false, "all rest"]);
});

test("it is told of once, and again where it lasts for longer", () => {
  const shortage = new ProxyShortage();

  const news = [60_000, 60_000, 65_000, 65_001, 70_002].map((until) =>
    shortage.begin("a.test", { ...wait, until }),
  );

  assert.deepEqual(news, [true, false, false, false, true]);
});

test("where there is no hope it lasts for good, and says why", () => {
  const shortage = new ProxyShortage();

  const news = shortage.begin("a.test", { ...wait, hopeless: "the only one is locked" });
  shortage.over(60_000);

  assert.deepEqual(
    [news, shortage.hopeless, shortage.lasts, shortage.why],
    [false, true, true, "the only one is locked"],
  );
});
