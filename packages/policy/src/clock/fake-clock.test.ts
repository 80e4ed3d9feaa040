import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { fakeClock } from "./fake-clock.ts";

test("hours pass in no time, and every sleep is written down", async () => {
  const clock = fakeClock({ start: 5 });

  await clock.sleep(3_600_000);
  await clock.sleep(1_000);

  assert.equal(clock.now(), 3_601_005);
  assert.equal(clock.date(), 3_601_005);
  assert.deepEqual(clock.sleeps, [3_600_000, 1_000]);
  assert.equal(clock.sleeping, 0);
});

test("sleepers wake in order of their time, and each sees its own", async () => {
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

test("time stands still until everything that can go on has gone on", async () => {
  const clock = fakeClock();
  let steps = 0;
  const sleeping = clock.sleep(1_000).then(() => steps);

  for (; steps < 50; steps += 1) await Promise.resolve();

  assert.equal(await sleeping, 50);
});

test("a clock that is moved by hand stands still by itself", async () => {
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

test("moving a clock that moves by itself never takes it back", async () => {
  const clock = fakeClock();
  const sleeping = clock.sleep(1_000);

  await clock.advance(10);

  await sleeping;
  assert.equal(clock.now(), 1_000);
});

test("a sleep ends with its signal, at once, and leaves no listener", async () => {
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

test("an endless sleep is not waited for", async () => {
  const clock = fakeClock();
  void clock.sleep(Infinity);

  await clock.sleep(10);

  assert.equal(clock.now(), 10);
  assert.equal(clock.sleeping, 1);
});

test("a timer runs when its time has come, unless it is stopped before", async () => {
  const clock = fakeClock();
  const ran: number[] = [];
  clock.timer?.(10, () => ran.push(clock.now()));
  const stop = clock.timer?.(5, () => ran.push(clock.now()));

  stop?.();
  await clock.sleep(20);

  assert.deepEqual(ran, [10]);
  assert.deepEqual(clock.sleeps, [20]);
});
