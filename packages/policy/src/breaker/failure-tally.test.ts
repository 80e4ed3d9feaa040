import assert from "node:assert/strict";
import { test } from "node:test";
import { consecutive, countWindow, timeWindow, type FailureTally } from "./failure-tally.ts";

/** `x` is a failure, `.` a success, a digit lets so many seconds pass. */
function fold(start: FailureTally, story: string): { readonly tally: FailureTally; readonly now: number } {
  let now = 0;
  let tally = start;
  for (const mark of story) {
    if (mark === "x" || mark === ".") tally = tally.after(mark === "x", now);
    else now += Number(mark) * 1_000;
  }
  return { tally, now };
}

const half = { failureRatio: 0.5, minimumThroughput: 4 };
const window10 = timeWindow({ ...half, samplingDuration: "10s" });

const table: readonly (readonly [FailureTally, string, boolean])[] = [
  [consecutive(3), "", false],
  [consecutive(3), "xx", false],
  [consecutive(3), "xxx", true],
  [consecutive(3), "xx.x", false],
  [consecutive(3), "xx.xxx", true],
  [consecutive(1), "x", true],
  [countWindow({ ...half, size: 4 }), "xxx", false],
  [countWindow({ ...half, size: 4 }), "xx..", true],
  [countWindow({ ...half, size: 4 }), "x...", false],
  [countWindow({ ...half, size: 4 }), "....xx", true],
  [countWindow({ ...half, size: 4 }), "xx....", false],
  [window10, "xxx", false],
  [window10, "xx..", true],
  [window10, "xx..99", false],
  [window10, "xxx99x", false],
  [window10, "xxx9x", true],
];

for (const [start, story, trips] of table) {
  test(`${start.name} ${trips ? "opens" : "stays closed"} after "${story}"`, () => {
    const { tally, now } = fold(start, story);

    assert.equal(tally.trips(now), trips);
  });
}

test("a success without earlier failures returns the same tally", () => {
  const tally = consecutive(3);

  assert.equal(tally.after(false, 0), tally);
});

test("tallies reject settings that cannot work", () => {
  assert.throws(() => consecutive(0), RangeError);
  assert.throws(() => countWindow({ failureRatio: 0 }), RangeError);
  assert.throws(() => countWindow({ minimumThroughput: 20, size: 10 }), RangeError);
  assert.throws(() => timeWindow({ failureRatio: 1.1 }), RangeError);
  assert.throws(() => timeWindow({ samplingDuration: 0 }), RangeError);
});
