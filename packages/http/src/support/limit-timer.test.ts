import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "@holdfast/policy";
import { fakeClock, type FakeClock } from "@holdfast/policy/testing";
import { lookBeforeLimit, startLimit } from "./limit-timer.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function turns(): Promise<void> {
  for (let number = 0; number < 4; number += 1) await turn();
}

/** A clock whose timers fire late by so many milliseconds. */
function lateClock(late: number): Clock & Pick<FakeClock, "advance"> {
  const clock = fakeClock({ autoAdvance: false });
  return { ...clock, timer: (delay, run) => clock.timer?.(delay + late, run) ?? (() => undefined) };
}

test("a limit expires immediately when its timer is in time, or late by 200 ms", async () => {
  for (const late of [0, 200]) {
    const clock = lateClock(late);
    let expired = 0;
    startLimit({ clock, limit: 1_000 }, () => (expired += 1));

    await clock.advance(1_000 + late);

    assert.equal(expired, 1, `late by ${late} ms`);
  }
});

test("a late limit looks once at what arrived, and then expires", async () => {
  const clock = lateClock(201);
  let expired = 0;
  startLimit({ clock, limit: 1_000, progress: () => 5 }, () => (expired += 1));

  await clock.advance(1_201);
  const before = expired;
  await turns();

  assert.deepEqual([before, expired], [0, 1]);
});

test("a late limit does not expire when the work ends during the look", async () => {
  const clock = lateClock(500);
  const stop = startLimit({ clock, limit: 1_000 }, () => assert.fail("expired"));
  await clock.advance(1_500);

  stop();

  await turns();
});

test("a late limit starts again when the work progressed during the look, and then expires in time", async () => {
  const clock = lateClock(500);
  let [progress, expired] = [0, 0];
  startLimit({ clock, limit: 1_000, progress: () => progress }, () => (expired += 1));
  await clock.advance(1_500);
  progress += 1;
  await turns();

  await clock.advance(1_499);
  const before = expired;
  await clock.advance(1);
  await turns();

  assert.deepEqual([before, expired], [0, 1]);
});

test("a late limit starts again when its work progressed before the timer, in the same round of events", async () => {
  const clock = lateClock(500);
  let [progress, expired] = [3, 0];
  startLimit({ clock, limit: 1_000, progress: () => progress }, () => (expired += 1));
  progress += 1;

  await clock.advance(1_500);
  await turns();
  const before = expired;
  await clock.advance(1_500);
  await turns();

  assert.deepEqual([before, expired], [0, 1]);
});

test("a stopped limit leaves no timer", () => {
  const clock = fakeClock({ autoAdvance: false });

  startLimit({ clock, limit: 1_000 }, () => assert.fail("expired"))();

  assert.equal(clock.sleeping, 0);
});

test("lookBeforeLimit waits only when the timer was late", async () => {
  const clock = fakeClock({ start: 1_000 });

  assert.equal(lookBeforeLimit(clock, 800), undefined);
  await lookBeforeLimit(clock, 799);
});
