import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { aimd, nextAimd, type AimdRule } from "./aimd.ts";

const rule: AimdRule = { min: 1, max: 200, start: 20, backoffRatio: 0.9, timeout: 5_000 };
const quick = { duration: 100, inFlight: 20, dropped: false };

const table: readonly (readonly [string, number, typeof quick, number])[] = [
  ["grows by one while it is used", 20, quick, 21],
  ["grows while half of it is used", 20, { ...quick, inFlight: 10 }, 21],
  ["stays while less than half is used", 20, { ...quick, inFlight: 9 }, 20],
  ["falls by a tenth after a dropped call", 20, { ...quick, dropped: true }, 18],
  ["falls after a call that took too long", 20, { ...quick, duration: 5_001 }, 18],
  ["rounds down", 19, { ...quick, dropped: true }, 17],
  ["never falls below its minimum", 1, { ...quick, dropped: true }, 1],
  ["never grows beyond its maximum", 200, { ...quick, inFlight: 200 }, 200],
];

for (const [it, limit, sample, expected] of table) {
  test(`an AIMD limit of ${limit} ${it}`, () => {
    assert.equal(nextAimd(rule, limit, sample), expected);
  });
}

test("an AIMD limit stays within its bounds", () => {
  const sample = fc.record({ duration: fc.nat(9_000), inFlight: fc.nat(50), dropped: fc.boolean() });
  fc.assert(
    fc.property(fc.array(sample), (samples) => {
      let limit = aimd({ min: 2, max: 30, start: 10 });
      for (const one of samples) {
        limit = limit.after(one);
        assert.ok(limit.limit >= 2 && limit.limit <= 30);
      }
    }),
  );
});

test("aimd rejects settings outside their ranges", () => {
  assert.throws(() => aimd({ min: 0 }), RangeError);
  assert.throws(() => aimd({ start: 500 }), RangeError);
  assert.throws(() => aimd({ backoffRatio: 1 }), RangeError);
});
