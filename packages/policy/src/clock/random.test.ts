import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seededRandom } from "./random.ts";

function draws(seed: number, count: number): readonly number[] {
  return Array.from({ length: count }, seededRandom(seed));
}

test("seededRandom returns the same numbers for the same seed only", () => {
  assert.deepEqual(draws(7, 100), draws(7, 100));
  assert.notDeepEqual(draws(7, 100), draws(8, 100));
});

test("seededRandom returns numbers of at least 0 and below 1 for any seed", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      assert.ok(draws(seed, 100).every((draw) => draw >= 0 && draw < 1));
    }),
  );
});

test("seededRandom distributes its numbers evenly", () => {
  const tenths = Array.from({ length: 10 }, () => 0);

  for (const draw of draws(1, 10_000))
    tenths[Math.floor(draw * 10)] = (tenths[Math.floor(draw * 10)] ?? 0) + 1;

  assert.ok(
    tenths.every((count) => count > 900 && count < 1_100),
    tenths.join(", "),
  );
});
