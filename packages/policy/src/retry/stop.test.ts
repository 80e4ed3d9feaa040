import assert from "node:assert/strict";
import { test } from "node:test";
import { refusedAttempt } from "../testing/refused-attempt.ts";
import type { Attempt } from "../core/attempt.ts";
import {
  stopAfterAttempt,
  stopAfterDelay,
  stopAll,
  stopAny,
  stopBeforeDelay,
  stopNever,
  stopWhenAborted,
  type Stop,
} from "./stop.ts";

const attempt = (number: number, elapsed: number): Attempt => refusedAttempt(number, { elapsed });

interface Row {
  readonly stop: Stop;
  readonly number: number;
  readonly elapsed: number;
  readonly delay: number;
  readonly stops: boolean;
}

const third = stopAfterAttempt(3);
const aged = stopAfterDelay("10s");
const before = stopBeforeDelay("10s");

const rows: readonly Row[] = [
  { stop: third, number: 2, elapsed: 9e9, delay: 9e9, stops: false },
  { stop: third, number: 3, elapsed: 0, delay: 0, stops: true },
  { stop: third, number: 4, elapsed: 0, delay: 0, stops: true },
  { stop: stopAfterAttempt(0), number: 1, elapsed: 0, delay: 0, stops: true },
  { stop: stopAfterAttempt(Infinity), number: 9e9, elapsed: 0, delay: 0, stops: false },
  { stop: aged, number: 9, elapsed: 9_999, delay: 9e9, stops: false },
  { stop: aged, number: 1, elapsed: 10_000, delay: 0, stops: true },
  { stop: stopAfterDelay(0), number: 1, elapsed: 0, delay: 0, stops: true },
  { stop: before, number: 1, elapsed: 4_000, delay: 5_999, stops: false },
  { stop: before, number: 1, elapsed: 4_000, delay: 6_000, stops: true },
  { stop: before, number: 1, elapsed: 10_000, delay: 0, stops: true },
  { stop: stopNever, number: 9e9, elapsed: 9e9, delay: 9e9, stops: false },
  { stop: stopWhenAborted(AbortSignal.abort()), number: 1, elapsed: 0, delay: 0, stops: true },
  { stop: stopWhenAborted(new AbortController().signal), number: 1, elapsed: 0, delay: 0, stops: false },
  { stop: stopAny(third, aged), number: 1, elapsed: 0, delay: 0, stops: false },
  { stop: stopAny(third, aged), number: 3, elapsed: 0, delay: 0, stops: true },
  { stop: stopAny(third, aged), number: 1, elapsed: 10_000, delay: 0, stops: true },
  { stop: stopAny(), number: 9, elapsed: 9, delay: 9, stops: false },
  { stop: stopAll(third, aged), number: 3, elapsed: 0, delay: 0, stops: false },
  { stop: stopAll(third, aged), number: 3, elapsed: 10_000, delay: 0, stops: true },
  { stop: stopAll(), number: 1, elapsed: 0, delay: 0, stops: true },
];

for (const { stop, number, elapsed, delay, stops } of rows) {
  test(`${stop.name} ${stops ? "stops" : "continues"} at attempt ${number} after ${elapsed} ms before a wait of ${delay} ms`, () => {
    assert.equal(stop(attempt(number, elapsed), delay), stops);
  });
}

test("combined stop strategies receive the next wait", () => {
  assert.equal(stopAny(before)(attempt(1, 4_000), 6_000), true);
  assert.equal(stopAll(before)(attempt(1, 4_000), 5_000), false);
});

test("stopWhenAborted stops when the signal aborts later", () => {
  const controller = new AbortController();
  const stop = stopWhenAborted(controller.signal);

  controller.abort();

  assert.equal(stop(attempt(1, 0), 0), true);
});

test("stop strategies are named after their settings", () => {
  assert.equal(
    stopAny(third, stopAll(aged, before)).name,
    "stopAny(stopAfterAttempt(3), stopAll(stopAfterDelay(10s), stopBeforeDelay(10s)))",
  );
});

test("stop strategies reject NaN attempts and a negative limit", () => {
  assert.throws(() => stopAfterAttempt(NaN), RangeError);
  assert.throws(() => stopAfterDelay(-1), RangeError);
  assert.throws(() => stopBeforeDelay(NaN), RangeError);
});
