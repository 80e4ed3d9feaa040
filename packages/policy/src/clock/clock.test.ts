import { systemRandom } from "./random.ts";
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { startTimer, systemClock, type Clock } from "./clock.ts";

test("systemClock moves forwards and returns the date", () => {
  const first = systemClock.now();

  assert.ok(systemClock.now() >= first);
  assert.ok(Math.abs(systemClock.date() - Date.now()) < 1_000);
});

for (const delay of [0, 1, 12.3, 30]) {
  test(`systemClock sleeps at least ${delay} ms, with and without a signal`, async () => {
    for (const signal of [undefined, new AbortController().signal]) {
      const before = systemClock.now();

      await systemClock.sleep(delay, signal);

      const slept = systemClock.now() - before;
      assert.ok(slept >= delay && slept < delay + 5_000, `slept ${slept} ms`);
    }
  });
}

test("sleeps of systemClock end in order of their delays", async () => {
  const woken: number[] = [];

  await Promise.all([40, 5, 20].map((delay) => systemClock.sleep(delay).then(() => woken.push(delay))));

  assert.deepEqual(woken, [5, 20, 40]);
});

test("a sleep of 0 ms lets timers and sockets run", async () => {
  let turned = false;
  setTimeout(() => (turned = true));

  await systemClock.sleep(0);
  await systemClock.sleep(0);

  assert.equal(turned, true);
});

test("a sleep that is longer than the longest timer does not end immediately", async () => {
  const controller = new AbortController();
  let ended = false;
  const sleeping = systemClock.sleep(2 ** 40, controller.signal).finally(() => (ended = true));

  await systemClock.sleep(10);

  assert.equal(ended, false);
  controller.abort(new Error("enough"));
  await assert.rejects(sleeping, /enough/);
});

test("a sleep of Infinity ends when its signal aborts", async () => {
  const controller = new AbortController();
  const sleeping = systemClock.sleep(Infinity, controller.signal);

  controller.abort(new Error("enough"));

  await assert.rejects(sleeping, /enough/);
});

test("a sleep with an aborted signal throws the reason immediately", async () => {
  const reason = new Error("before");

  await assert.rejects(systemClock.sleep(1e9, AbortSignal.abort(reason)), (error) => error === reason);
});

test("a sleep leaves no listener on its signal after its end or an abort", async () => {
  const controller = new AbortController();

  await systemClock.sleep(1, controller.signal);
  assert.equal(getEventListeners(controller.signal, "abort").length, 0);

  const sleeping = systemClock.sleep(1e9, controller.signal);
  controller.abort();
  await assert.rejects(sleeping);
  assert.equal(getEventListeners(controller.signal, "abort").length, 0);
});

test("a timer of systemClock runs once unless it is stopped", async () => {
  const ran: string[] = [];
  startTimer(systemClock, 5, () => ran.push("kept"));
  const stop = startTimer(systemClock, 5, () => ran.push("stopped"));

  stop();
  await systemClock.sleep(20);

  assert.deepEqual(ran, ["kept"]);
});

test("a timer that is due already runs soon, without a warning of Node", async (context) => {
  const { mock } = context.mock.method(process, "emitWarning", () => undefined);

  await new Promise<void>((resolve) => startTimer(systemClock, -5, resolve));
  await systemClock.sleep(-5);

  assert.equal(mock.callCount(), 0);
});

test("startTimer works with a clock without timers", async () => {
  const { now, date, sleep } = systemClock;
  const clock: Clock = { now, date, sleep };
  const ran: string[] = [];
  startTimer(clock, 5, () => ran.push("kept"));
  const stop = startTimer(clock, 5, () => ran.push("stopped"));
  startTimer(clock, Infinity, () => ran.push("never"))();

  stop();
  await systemClock.sleep(30);

  assert.deepEqual(ran, ["kept"]);
});

test("systemRandom returns numbers of at least 0 and below 1", () => {
  const draws = Array.from({ length: 1_000 }, systemRandom);

  assert.ok(draws.every((draw) => draw >= 0 && draw < 1));
  assert.ok(new Set(draws).size > 900);
});
