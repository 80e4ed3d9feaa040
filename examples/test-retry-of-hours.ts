import assert from "node:assert/strict";
import { test } from "node:test";

// #region test-retry-of-hours
import { compose, retry, stopAfterDelay, timeout, waitExponential } from "holdfast/policy";
import { fakeClock } from "holdfast/testing";

const nightly = compose(
  timeout("1d"),
  retry({ wait: waitExponential({ multiplier: "1m", max: "2h" }), stop: stopAfterDelay("20h") }),
);

test("the nightly import outlives an outage of nine hours", async () => {
  const clock = fakeClock();
  const importAll = (): string => {
    if (clock.now() < 9 * 3_600_000) throw new Error("503");
    return "imported";
  };

  const result = await nightly.execute(importAll, { clock });

  assert.equal(result, "imported");
  assert.deepEqual(
    clock.sleeps.map((ms) => ms / 60_000),
    [1, 2, 4, 8, 16, 32, 64, 120, 120, 120, 120],
  );
});
// #endregion
