import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { addSample, emptyAverage } from "./moving-average.ts";
import { gradient2, gradient2Defaults, nextGradient2 } from "./gradient2.ts";

const usual = { value: 100, count: 10 };
const sample = { duration: 100, inFlight: 20, dropped: false };
const learned = (duration: number): number => addSample(usual, duration, 600).value;

const table: readonly (readonly [string, typeof sample, number])[] = [
  ["grows by a fifth of its queue while latency is as usual", sample, 20 * 0.8 + 24 * 0.2],
  ["grows while latency is within the tolerance", { ...sample, duration: 150 }, 20 * 0.8 + 24 * 0.2],
  [
    "shrinks when calls take longer",
    { ...sample, duration: 300 },
    16 + (20 * ((1.5 * learned(300)) / 300) + 4) * 0.2,
  ],
  ["shrinks by half at the most", { ...sample, duration: 9_000 }, 16 + (10 + 4) * 0.2],
  ["stays while less than half is used", { ...sample, inFlight: 9 }, 20],
  ["falls by a tenth after a dropped call", { ...sample, dropped: true, duration: 1 }, 18],
];

for (const [it, given, expected] of table) {
  test(`a Gradient2 limit of 20 ${it}`, () => {
    const { limit } = nextGradient2(gradient2Defaults, { limit: 20, usual }, given);

    assert.ok(Math.abs(limit - expected) < 1e-9, `${limit} instead of ${expected}`);
  });
}

test("a Gradient2 limit does not learn the duration of a dropped call", () => {
  const state = { limit: 20, usual };

  assert.equal(
    nextGradient2(gradient2Defaults, state, { ...sample, dropped: true, duration: 1 }).usual,
    usual,
  );
});

test("a Gradient2 limit lowers the usual duration of a slow period faster than the average alone", () => {
  const state = { limit: 20, usual: { value: 1_000, count: 10 } };

  const after = nextGradient2(gradient2Defaults, state, sample);

  assert.equal(after.usual.value, addSample(state.usual, 100, 600).value * 0.95);
});

test("a moving average is plain for ten samples, then weighs the latest by 2 / (window + 1)", () => {
  const ten = Array.from({ length: 10 }, (_, index) => index + 1);

  const plain = ten.reduce((average, value) => addSample(average, value, 9), emptyAverage);
  const weighed = addSample(plain, 10, 9);

  assert.deepEqual(plain, { value: 5.5, count: 10 });
  assert.deepEqual(weighed, { value: 5.5 * 0.8 + 10 * 0.2, count: 10 });
});

test("a Gradient2 limit stays within its bounds", () => {
  const samples = fc.array(
    fc.record({ duration: fc.integer({ min: 1, max: 9_000 }), inFlight: fc.nat(50), dropped: fc.boolean() }),
  );
  fc.assert(
    fc.property(samples, (given) => {
      let limit = gradient2({ min: 1, max: 30, start: 10 });
      for (const one of given) {
        limit = limit.after(one);
        assert.ok(limit.limit >= 1 && limit.limit <= 30);
      }
    }),
  );
});

test("gradient2 rejects settings outside their ranges", () => {
  assert.throws(() => gradient2({ min: 0.5 }), RangeError);
  assert.throws(() => gradient2({ smoothing: 0 }), RangeError);
  assert.throws(() => gradient2({ tolerance: 0.9 }), RangeError);
});
