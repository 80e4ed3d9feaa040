import assert from "node:assert/strict";
import { test } from "node:test";
import { ProxyShortage } from "./proxy-shortage.ts";

const wait = { until: 60_000, why: "all are cooling down", exhaustion: undefined, now: 0 };

test("ProxyShortage checks a waiting host again after five seconds, or when a proxy will be available", () => {
  const shortage = new ProxyShortage();
  shortage.add("a.test", wait);
  shortage.add("b.test", { ...wait, until: 3_000 });

  assert.deepEqual([shortage.nextRecheckAt, shortage.nextEndAt], [3_000, 3_000]);
  assert.deepEqual(shortage.takeDueHosts(3_000), ["b.test"]);
  assert.deepEqual([shortage.nextRecheckAt, shortage.nextEndAt], [5_000, 60_000]);
  assert.deepEqual(shortage.takeDueHosts(5_000), ["a.test"]);
  assert.deepEqual([shortage.isActive, shortage.why], [false, "all are cooling down"]);
});

test("ProxyShortage is reported once, and again when it lasts longer", () => {
  const shortage = new ProxyShortage();

  const news = [60_000, 60_000, 65_000, 65_001, 70_002].map((until) =>
    shortage.add("a.test", { ...wait, until }),
  );

  assert.deepEqual(news, [true, false, false, false, true]);
});

test("ProxyShortage stays active with the reason once the proxies are exhausted", () => {
  const shortage = new ProxyShortage();

  const news = shortage.add("a.test", { ...wait, exhaustion: "the only one is locked" });
  shortage.takeDueHosts(60_000);
  shortage.add("b.test", wait);

  assert.deepEqual(
    [news, shortage.isExhausted, shortage.isActive, shortage.why],
    [false, true, true, "the only one is locked"],
  );
});
