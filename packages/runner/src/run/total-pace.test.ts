import assert from "node:assert/strict";
import { test } from "node:test";
import { TotalPace } from "./total-pace.ts";

test("the pace of a run spaces requests, and saves up nothing", () => {
  const pace = new TotalPace({ interval: 100, bytesPerSecond: Infinity });
  const starts = [0, 100, 5_000].map((now) => {
    pace.started(now);
    return pace.nextStartAt;
  });

  assert.deepEqual(starts, [100, 200, 5_100]);
});

test("the pace of a run waits until the average of the bytes is within the limit", () => {
  const pace = new TotalPace({ interval: 0, bytesPerSecond: 1_000 });

  pace.received(500, 0);
  pace.received(2_000, 100);

  assert.equal(pace.nextStartAt, 2_500);
});
