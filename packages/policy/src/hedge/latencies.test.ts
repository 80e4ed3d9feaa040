import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { learnedDelay } from "./hedge-delay.ts";
import { addLatency, findQuantile } from "./latencies.ts";

const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);

const table: readonly (readonly [readonly number[], number, number])[] = [
  [[], 0.5, Infinity],
  [[7], 0.95, 7],
  [[3, 1, 2], 0.5, 2],
  [hundred, 0.95, 95],
  [hundred, 0.99, 99],
  [hundred, 0.001, 1],
];

for (const [latencies, quantile, expected] of table) {
  test(`the quantile ${quantile} of ${latencies.length} durations is ${expected}`, () => {
    assert.equal(findQuantile(latencies, quantile), expected);
  });
}

test("a quantile is one of the durations in the window, and older ones are dropped", () => {
  const durations = fc.array(fc.nat(1_000), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(durations, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (given, quantile) => {
      const kept = given.reduce<readonly number[]>((latencies, one) => addLatency(latencies, one, 20), []);

      assert.deepEqual(kept, given.slice(-20));
      const found = findQuantile(kept, quantile);
      assert.ok(kept.includes(found));
      assert.ok(kept.filter((one) => one <= found).length >= quantile * kept.length - 1e-9);
    }),
  );
});

test("a learned delay is Infinity below minimumThroughput", () => {
  let delay = learnedDelay(0.5, { window: 4, minimumThroughput: 2 }).after(10);
  assert.equal(delay.delay, Infinity);

  delay = delay.after(30).after(20);

  assert.equal(delay.delay, 20);
});
