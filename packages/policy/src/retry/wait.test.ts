import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { failed, succeeded } from "../core/outcome.ts";
import { refusedAttempt } from "../testing/refused-attempt.ts";
import {
  waitChain,
  waitCombine,
  waitExponential,
  waitExponentialJitter,
  waitFixed,
  waitFromError,
  waitIncrementing,
  waitNone,
  waitRandom,
  waitRandomExponential,
  type Wait,
} from "./wait.ts";

function waits(wait: Wait, random: number, numbers: readonly number[] = [1, 2, 3, 4, 5]): readonly number[] {
  return numbers.map((number) => wait(refusedAttempt(number), () => random));
}

const series: readonly (readonly [wait: Wait, random: number, expected: readonly number[]])[] = [
  [waitNone, 0.5, [0, 0, 0, 0, 0]],
  [waitFixed("2s"), 0.5, [2_000, 2_000, 2_000, 2_000, 2_000]],
  [waitIncrementing(), 0.5, [0, 100_000, 200_000, 300_000, 400_000]],
  [waitIncrementing({ start: 10, increment: -3 }), 0.5, [10, 7, 4, 1, 0]],
  [waitIncrementing({ start: -10, increment: 6 }), 0.5, [0, 0, 2, 8, 14]],
  [waitIncrementing({ start: "5s", increment: "1s", max: "7s" }), 0.5, [5_000, 6_000, 7_000, 7_000, 7_000]],
  [waitExponential(), 0.5, [1_000, 2_000, 4_000, 8_000, 16_000]],
  [waitExponential({ multiplier: "1s", min: "2s", max: "10s" }), 0.5, [2_000, 2_000, 4_000, 8_000, 10_000]],
  [waitExponential({ base: 3, multiplier: 1 }), 0.5, [1, 3, 9, 27, 81]],
  [waitExponential({ min: "9s", max: "2s" }), 0.5, [9_000, 9_000, 9_000, 9_000, 9_000]],
  [waitRandom(), 0.25, [250, 250, 250, 250, 250]],
  [waitRandom({ min: "1s", max: "3s" }), 0.5, [2_000, 2_000, 2_000, 2_000, 2_000]],
  [waitRandom({ min: "3s", max: "1s" }), 0.25, [2_500, 2_500, 2_500, 2_500, 2_500]],
  [waitRandomExponential({ max: "8s" }), 0.5, [500, 1_000, 2_000, 4_000, 4_000]],
  [waitRandomExponential({ min: "3s" }), 0.5, [3_000, 3_000, 3_500, 5_500, 9_500]],
  [waitExponentialJitter(), 0.5, [1_500, 2_500, 4_500, 8_500, 16_500]],
  [waitExponentialJitter({ jitter: "4s", max: "9s", min: "4s" }), 0.5, [4_000, 4_000, 6_000, 9_000, 9_000]],
  [waitChain(waitFixed(1), waitFixed(2), waitExponential({ multiplier: 1 })), 0.5, [1, 2, 4, 8, 16]],
  [waitCombine(waitFixed(3), waitRandom({ max: 2 })), 0.5, [4, 4, 4, 4, 4]],
  [waitCombine(), 0.5, [0, 0, 0, 0, 0]],
];

for (const [wait, random, expected] of series) {
  test(`${wait.name} waits ${expected.join(", ")} ms`, () => {
    assert.deepEqual(waits(wait, random), expected);
  });
}

test("an exponential wait never overflows or becomes NaN", () => {
  assert.deepEqual(
    waits(waitExponential({ max: "1h" }), 0, [2_000, 1e9, Number.MAX_SAFE_INTEGER]),
    [3.6e6, 3.6e6, 3.6e6],
  );
  assert.deepEqual(waits(waitExponential({ multiplier: 0 }), 0, [2_000, 1e9]), [0, 0]);
  assert.deepEqual(waits(waitExponential(), 0, [2_000]), [Infinity]);
});

test("waitFromError reads the wait from an error and is 0 after a result", () => {
  const wait = waitFromError((error) => (error as { retryAfter: number }).retryAfter);

  assert.equal(
    wait({ ...refusedAttempt(1), outcome: failed({ retryAfter: 700 }) }, () => 0),
    700,
  );
  assert.equal(
    wait({ ...refusedAttempt(1), outcome: succeeded("busy") }, () => 0),
    0,
  );
});

// Below a millionth of a millisecond, rounding errors exceed the tolerance.
const duration = fc.oneof(fc.constant(0), fc.double({ min: 1e-6, max: 1e15, noNaN: true }));
const number = fc.integer({ min: 1, max: 1e6 });
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const base = fc.double({ min: 0.01, max: 100, noNaN: true });
const bounds = fc.tuple(duration, duration).map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) }));
const curve = fc
  .record({ bounds, multiplier: duration, base })
  .map(({ bounds: { min, max }, ...rest }) => ({ ...rest, min, max }));

interface Bounded {
  readonly wait: Wait;
  readonly min: number;
  readonly max: number;
}

const bounded: Readonly<Record<string, fc.Arbitrary<Bounded>>> = {
  waitFixed: duration.map((ms) => ({ wait: waitFixed(ms), min: ms, max: ms })),
  waitRandom: bounds.map((range) => ({ wait: waitRandom(range), ...range })),
  waitIncrementing: fc
    .record({
      start: fc.double({ min: -1e9, max: 1e9, noNaN: true }),
      increment: fc.double({ min: -1e9, max: 1e9, noNaN: true }),
      max: duration,
    })
    .map((options) => ({ wait: waitIncrementing(options), min: 0, max: options.max })),
  waitExponential: curve.map((options) => ({ wait: waitExponential(options), ...options })),
  waitRandomExponential: curve.map((options) => ({ wait: waitRandomExponential(options), ...options })),
  waitExponentialJitter: fc
    .tuple(curve, duration)
    .map(([options, jitter]) => ({ wait: waitExponentialJitter({ ...options, jitter }), ...options })),
};

for (const [name, arbitrary] of Object.entries(bounded)) {
  test(`${name} stays between its minimum and its maximum`, () => {
    fc.assert(
      fc.property(arbitrary, number, chance, ({ wait, min, max }, attempts, random) => {
        const ms = wait(refusedAttempt(attempts), () => random);

        assert.ok(ms >= min - slack(min) && ms <= max + slack(max), `${ms} is not within ${min}..${max}`);
      }),
    );
  });
}

/** What rounding may add to a draw between two large numbers. */
function slack(ms: number): number {
  return ms * 1e-15;
}

test("waitCombine waits the sum of its strategies, waitChain one of them", () => {
  fc.assert(
    fc.property(fc.array(duration, { minLength: 1, maxLength: 5 }), number, (parts, attempts) => {
      const fixed = parts.map((ms) => waitFixed(ms));

      const sum = waitCombine(...fixed)(refusedAttempt(attempts), () => 0);
      const turn = waitChain(...fixed)(refusedAttempt(attempts), () => 0);

      assert.equal(
        sum,
        parts.reduce((a, b) => a + b, 0),
      );
      assert.equal(turn, parts[Math.min(attempts, parts.length) - 1]);
    }),
  );
});

test("wait strategies reject invalid settings when they are created", () => {
  assert.throws(() => waitFixed(-1), RangeError);
  assert.throws(() => waitRandom({ max: NaN }), RangeError);
  assert.throws(() => waitExponential({ multiplier: -1 }), RangeError);
  assert.throws(() => waitExponential({ base: -2 }), RangeError);
  assert.throws(() => waitExponential({ base: NaN }), RangeError);
  assert.throws(() => waitIncrementing({ start: NaN }), RangeError);
  assert.throws(() => waitIncrementing({ max: -1 }), RangeError);
  assert.throws(() => waitExponentialJitter({ jitter: -1 }), RangeError);
  assert.throws(() => waitChain(), RangeError);
});

test("wait strategies are named after their settings", () => {
  assert.equal(waitFixed("2s").name, "waitFixed(2s)");
  assert.equal(waitCombine(waitNone, waitRandom()).name, "waitCombine(waitNone, waitRandom(0ms..1s))");
  assert.equal(waitExponential({ max: "30s" }).name, "waitExponential(1s · 2^(n-1), 0ms..30s)");
});
