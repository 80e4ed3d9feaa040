import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { refusedAttempt } from "../testing/refused-attempt.ts";
import type { Attempt } from "../core/attempt.ts";
import { decorrelatedJitter, equalJitter, fullJitter, proportionalJitter } from "./jitter.ts";
import { waitExponential, waitFixed, waitRandomExponential, type Wait } from "./wait.ts";

const attempt = (number: number, waited = 0): Attempt => refusedAttempt(number, { waited });

interface Row {
  readonly wait: Wait;
  readonly waited?: number;
  readonly random: number;
  readonly ms: number;
}

const fixed = waitFixed(1_000);

const rows: readonly Row[] = [
  { wait: fullJitter(fixed), random: 0, ms: 0 },
  { wait: fullJitter(fixed), random: 0.25, ms: 250 },
  { wait: equalJitter(fixed), random: 0, ms: 500 },
  { wait: equalJitter(fixed), random: 0.5, ms: 750 },
  { wait: proportionalJitter(0.2, fixed), random: 0, ms: 800 },
  { wait: proportionalJitter(0.2, fixed), random: 0.5, ms: 1_000 },
  { wait: proportionalJitter(0, fixed), random: 0, ms: 1_000 },
  { wait: proportionalJitter(1, fixed), random: 0, ms: 0 },
  { wait: decorrelatedJitter(fixed), random: 0.5, ms: 1_000 },
  { wait: decorrelatedJitter(fixed), waited: 2_000, random: 0, ms: 1_000 },
  { wait: decorrelatedJitter(fixed), waited: 2_000, random: 0.5, ms: 3_500 },
  { wait: decorrelatedJitter(fixed, { max: "2s" }), waited: 2_000, random: 0.5, ms: 2_000 },
];

for (const { wait, waited = 0, random, ms } of rows) {
  test(`${wait.name} waits ${ms} ms after ${waited} ms with a random number of ${random}`, () => {
    assert.equal(
      wait(attempt(1, waited), () => random),
      ms,
    );
  });
}

// Below a millionth of a millisecond, rounding errors exceed the tolerance.
const duration = fc.oneof(fc.constant(0), fc.double({ min: 1e-6, max: 1e15, noNaN: true }));
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

function holds(jitter: (wait: Wait) => Wait, low: number, high: number): void {
  fc.assert(
    fc.property(duration, chance, (ms, random) => {
      const jittered = jitter(waitFixed(ms))(attempt(1), () => random);

      assert.ok(
        jittered >= low * ms * (1 - 1e-12) && jittered <= high * ms * (1 + 1e-12),
        `${jittered} is not within ${low}..${high} of ${ms}`,
      );
    }),
  );
}

test("fullJitter stays between 0 and the wait", () => {
  holds(fullJitter, 0, 1);
});

test("equalJitter stays between half the wait and the wait", () => {
  holds(equalJitter, 0.5, 1);
});

test("proportionalJitter stays within its ratio", () => {
  holds((wait) => proportionalJitter(0.5, wait), 0.5, 1.5);
});

test("decorrelatedJitter stays between the wait and three times the previous one, up to its maximum", () => {
  fc.assert(
    fc.property(
      fc.record({ ms: duration, waited: duration, max: duration }),
      chance,
      ({ ms, waited, max }, random) => {
        const jittered = decorrelatedJitter(waitFixed(ms), { max })(attempt(2, waited), () => random);

        assert.ok(jittered >= Math.min(ms, max) * (1 - 1e-12));
        assert.ok(jittered <= Math.min(max, Math.max(ms, 3 * waited) * (1 + 1e-12)));
      },
    ),
  );
});

test("jitter strategies pass the attempt and random on to the inner strategy", () => {
  const draws: number[] = [];
  const wait: Wait = (_attempt, random) => {
    draws.push(random());
    return 100;
  };

  fullJitter(equalJitter(wait))(attempt(1), () => 0.5);

  assert.deepEqual(draws, [0.5]);
});

test("jitter of an infinite wait is infinite for any random number", () => {
  assert.equal(
    waitRandomExponential()(attempt(5_000), () => 0),
    Infinity,
  );
  for (const jitter of [fullJitter, equalJitter, decorrelatedJitter]) {
    assert.equal(
      jitter(waitExponential())(attempt(5_000), () => 0),
      Infinity,
      jitter.name,
    );
  }
  assert.equal(
    proportionalJitter(0.5, waitExponential())(attempt(5_000), () => 0),
    Infinity,
  );
});

for (const ratio of [-0.1, 1.1, NaN]) {
  test(`proportionalJitter rejects a ratio of ${ratio}`, () => {
    assert.throws(() => proportionalJitter(ratio, fixed), RangeError);
  });
}
