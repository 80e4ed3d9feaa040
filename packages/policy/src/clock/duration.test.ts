import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatMs, isDuration, toMs, type Duration } from "./duration.ts";

const read: readonly (readonly [Duration, number])[] = [
  [0, 0],
  [1.5, 1.5],
  [Infinity, Infinity],
  ["0ms", 0],
  ["500ms", 500],
  ["1.5s", 1_500],
  ["30s", 30_000],
  ["10m", 600_000],
  ["2h", 7_200_000],
  ["1d", 86_400_000],
];

for (const [duration, ms] of read) {
  test(`toMs converts ${String(duration)} to ${ms} ms`, () => {
    assert.equal(toMs(duration), ms);
  });
}

const refused: readonly unknown[] = [
  -1,
  NaN,
  -Infinity,
  "",
  "s",
  "5",
  "-5s",
  "1e3s",
  "5 s",
  "5S",
  "5w",
  "s5",
  "1.s",
  ".5s",
  "5s ",
];

for (const duration of refused) {
  test(`toMs rejects ${JSON.stringify(duration)} (${String(duration)})`, () => {
    assert.throws(() => toMs(duration as Duration), RangeError);
  });
}

const shown: readonly (readonly [number, string])[] = [
  [0, "0ms"],
  [250, "250ms"],
  [999, "999ms"],
  [1_000, "1s"],
  [1_500, "1.5s"],
  [59_999, "60s"],
  [60_000, "1m"],
  [90_000, "1.5m"],
  [3_600_000, "1h"],
  [86_400_000, "24h"],
  [1 / 3, "0.33ms"],
  [Infinity, "forever"],
];

for (const [ms, text] of shown) {
  test(`formatMs formats ${ms} ms as ${text}`, () => {
    assert.equal(formatMs(ms), text);
  });
}

test("toMs parses the output of formatMs to within a hundredth of the unit", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e12 }), (ms) => {
      const again = toMs(formatMs(ms) as Duration);

      assert.ok(Math.abs(again - ms) <= 0.01 * Math.max(1, ms));
    }),
  );
});

test("isDuration accepts exactly the values that toMs converts", () => {
  const values = [
    0,
    1.5,
    Infinity,
    "30s",
    "1.5m",
    -1,
    NaN,
    "-1s",
    "30",
    "",
    "1 parsec",
    null,
    undefined,
    {},
    ["1s"],
  ];

  const durations = values.filter(isDuration);

  assert.deepEqual(durations, [0, 1.5, Infinity, "30s", "1.5m"]);
  assert.deepEqual(durations.map(toMs), [0, 1.5, Infinity, 30_000, 90_000]);
});
