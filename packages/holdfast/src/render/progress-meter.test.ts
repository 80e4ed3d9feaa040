import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { fakeClock } from "@holdfast/policy/testing";
import type { FakeClock } from "@holdfast/policy/testing";
import { startMeter } from "./progress-meter.ts";
import type { ProgressMeter, ProgressMode } from "./progress-meter.ts";
import { plainText } from "./style.ts";

function setUp(mode: ProgressMode): {
  readonly meter: ProgressMeter;
  readonly clock: FakeClock;
  readonly written: () => string;
} {
  const clock = fakeClock({ autoAdvance: false });
  const output = Object.assign(new PassThrough({ encoding: "utf8" }), { columns: 64 });
  const meter = startMeter({ mode, output, clock, style: plainText });
  return { meter, clock, written: () => String(output.read() ?? "") };
}

const totals = {
  lines: 4,
  removed: 0,
  done: 1,
  failed: 0,
  skipped: 0,
  unknown: 0,
  waiting: 3,
  attempts: 1,
  bytes: 1,
};

test("a bar is redrawn at most ten times a second, only after a change, and removed at the end", async () => {
  const { meter, clock, written } = setUp("bar");

  for (let i = 0; i < 50; i++) meter.onEvent({ type: "progress", totals, inFlight: 1 });
  assert.equal(written(), "");
  await clock.advance(100);
  assert.equal(written(), "\r\u001b[K[##.........]  25%  1 done  3 waiting  0.00/s  reading the list");
  await clock.advance(1_000);
  assert.equal(written(), "");
  await meter.stop();

  assert.equal(written(), "\r\u001b[K");
  assert.equal(clock.sleeping, 0);
});

test("a permanent line is written above the bar", async () => {
  const { meter, clock, written } = setUp("bar");
  await clock.advance(100);
  written();

  meter.print("first");
  meter.print("second");
  await meter.stop();

  assert.equal(written(), "\r\u001b[Kfirst\nsecond\n");
});

test("a log has a line every ten seconds, and one for each important event", async () => {
  const { meter, clock, written } = setUp("plain");

  meter.onEvent({ type: "progress", totals, inFlight: 1 });
  await clock.advance(9_999);
  assert.equal(written(), "");
  meter.onEvent({ type: "input-ended" });
  await clock.advance(1);
  await meter.stop();

  assert.equal(written(), "list read: 4 lines, 3 to fetch\n1 of 4 done, 3 waiting, 0.00/s\n");
});

test("without progress only printed lines are written", async () => {
  const { meter, clock, written } = setUp("none");

  meter.onEvent({ type: "input-ended" });
  meter.onInterrupt("drain");
  await clock.advance(60_000);
  meter.print("printed");
  await meter.stop();

  assert.equal(written(), "printed\n");
});
