import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { fakeClock } from "./fake-clock.ts";

test("a fake clock lets hours pass immediately and records every sleep", async () => {
  const clock = fakeClock({ start: 5 });

  await clock.sleep(3_600_000);
  await clock.sleep(1_000);

  assert.equal(clock.now(), 3_601_005);
  assert.equal(clock.date(), 3_601_005);
  assert.deepEqual(clock.sleeps, [3_600_000, 1_000]);
  assert.equal(clock.sleeping, 0);
});

test("sleeps of a fake clock end in order, each at its own time", async () => {
  const clock = fakeClock();
  const woken: (readonly [number, number])[] = [];

  await Promise.all(
    [30, 10, 20].map((delay) => clock.sleep(delay).then(() => woken.push([delay, clock.now()]))),
  );

  assert.deepEqual(woken, [
    [10, 10],
    [20, 20],
    [30, 30],
  ]);
});

test("a fake clock does not move while other work can run", async () => {
  const clock = fakeClock();
  let steps = 0;
  const sleeping = clock.sleep(1_000).then(() => steps);

  for (; steps < 50; steps += 1) await Promise.resolve();

  assert.equal(await sleeping, 50);
});

test("a fake clock without autoAdvance moves only by advance", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const woken: number[] = [];
  void clock.sleep(10).then(async () => {
    woken.push(clock.now());
    await clock.sleep(5);
    woken.push(clock.now());
  });

  await clock.advance(9);
  assert.deepEqual([clock.now(), clock.sleeping, ...woken], [9, 1]);

  await clock.advance(100);
  assert.deepEqual([clock.now(), clock.sleeping, ...woken], [109, 0, 10, 15]);
});

test("advance never moves a fake clock with autoAdvance backwards", async () => {
  const clock = fakeClock();
  const sleeping = clock.sleep(1_000);

  await clock.advance(10);

  await sleeping;
  assert.equal(clock.now(), 1_000);
});

test("a sleep of a fake clock ends immediately when its signal aborts, and leaves no listener", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const controller = new AbortController();
  const reason = new Error("enough");
  const sleeping = clock.sleep(10, controller.signal);

  controller.abort(reason);

  await assert.rejects(sleeping, (error) => error === reason);
  await assert.rejects(clock.sleep(10, controller.signal), (error) => error === reason);
  assert.equal(clock.sleeping, 0);
  assert.equal(getEventListeners(controller.signal, "abort").length, 0);
});

test("a fake clock does not move to the end of an infinite sleep", async () => {
  const clock = fakeClock();
  void clock.sleep(Infinity);

  await clock.sleep(10);

  assert.equal(clock.now(), 10);
  assert.equal(clock.sleeping, 1);
});

test("a timer of a fake clock runs at its time unless it is stopped", async () => {
  const clock = fakeClock();
  const ran: number[] = [];
  clock.timer?.(10, () => ran.push(clock.now()));
  const stop = clock.timer?.(5, () => ran.push(clock.now()));

  stop?.();
  await clock.sleep(20);

  assert.deepEqual(ran, [10]);
  assert.deepEqual(clock.sleeps, [20]);
});
