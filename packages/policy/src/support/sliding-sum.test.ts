import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { addToSum, emptySum, totalSum, type SlidingSum } from "./sliding-sum.ts";

const slots = 4;

function sumOf(additions: readonly (readonly [slot: number, amount: number])[]): SlidingSum {
  return additions.reduce((sum, [slot, amount]) => addToSum(sum, amount, { slot, slots }), emptySum);
}

const table: readonly {
  readonly it: string;
  readonly additions: readonly (readonly [number, number])[];
  readonly at: number;
  readonly total: number;
}[] = [
  { it: "is 0 without amounts", additions: [], at: 7, total: 0 },
  {
    it: "adds within a slot",
    additions: [
      [7, 1],
      [7, 2],
    ],
    at: 7,
    total: 3,
  },
  {
    it: "adds over slots",
    additions: [
      [5, 1],
      [7, 2],
    ],
    at: 8,
    total: 3,
  },
  {
    it: "drops the oldest slot",
    additions: [
      [4, 1],
      [7, 2],
    ],
    at: 8,
    total: 2,
  },
  {
    it: "drops everything after a long time",
    additions: [
      [4, 1],
      [7, 2],
    ],
    at: 11,
    total: 0,
  },
  {
    it: "counts a slot in the past as the current one",
    additions: [
      [7, 1],
      [3, 2],
    ],
    at: 7,
    total: 3,
  },
];

for (const { it, additions, at, total } of table) {
  test(`a sliding sum ${it}`, () => {
    assert.equal(totalSum(sumOf(additions), { slot: at, slots }), total);
  });
}

test("a sliding sum is the sum of the additions in its slots, and keeps no more slots", () => {
  const steps = fc.array(fc.tuple(fc.nat({ max: 6 }), fc.nat({ max: 9 })), { maxLength: 40 });
  fc.assert(
    fc.property(steps, (given) => {
      let slot = 0;
      const additions = given.map(([step, amount]) => [(slot += step), amount] as const);

      const sum = sumOf(additions);

      const expected = additions
        .filter(([at]) => at > slot - slots)
        .reduce((total, [, amount]) => total + amount, 0);
      assert.equal(totalSum(sum, { slot, slots }), expected);
      assert.ok(sum.older.length < slots);
    }),
  );
});
