import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { fakeClock } from "@holdfast/policy/testing";
import { SleepQueue } from "./sleep-queue.ts";

test("sleeps end in the order of their times, whatever the order in which they began", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const sleeps = new SleepQueue(clock);
  const delays = [500, 20, 300, 20, 1_000, 1, 700, 40];
  const ended: [number, number][] = [];
  for (const delay of delays) void sleeps.sleep(delay).then(() => ended.push([delay, clock.now()]));

  await clock.advance(2_000);

  const sorted = delays.toSorted((a, b) => a - b);
  assert.deepEqual(
    ended,
    sorted.map((delay) => [delay, delay]),
  );
});

test("many sleeps have one timer, and none when all have ended", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const sleeps = new SleepQueue(clock);
  const all = Array.from({ length: 1_000 }, (_, number) => sleeps.sleep(((number * 7_919) % 1_000) + 1));

  const timers = clock.sleeping;
  await clock.advance(1_000);
  await Promise.all(all);

  assert.deepEqual([timers, clock.sleeping, sleeps.size], [1, 0, 0]);
});

test("a sleep that is aborted rejects with the reason, and the others end at their times", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const sleeps = new SleepQueue(clock);
  const callers = Array.from({ length: 50 }, () => new AbortController());
  const ended: (number | string)[] = [];
  for (const [number, { signal }] of callers.entries())
    void sleeps.sleep(number + 1, signal).then(
      () => ended.push(number),
      (reason: string) => ended.push(reason),
    );

  for (const number of [0, 48, 7, 20]) callers[number]?.abort(`aborted ${number}`);
  await clock.advance(100);

  const others = [...callers.keys()].filter((number) => ![0, 7, 20, 48].includes(number));
  assert.deepEqual(ended, ["aborted 0", "aborted 48", "aborted 7", "aborted 20", ...others]);
  assert.ok(callers.every(({ signal }) => getEventListeners(signal, "abort").length === 0));
});

test("no timer is left after the last sleep was aborted", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const sleeps = new SleepQueue(clock);
  const caller = new AbortController();
  const sleeping = sleeps.sleep(1_000, caller.signal);

  caller.abort("enough");

  await assert.rejects(sleeping, (reason) => reason === "enough");
  assert.equal(clock.sleeping, 0);
});

test("close ends every sleep, present and future, with its reason", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const sleeps = new SleepQueue(clock);
  const reason = new Error("closed");
  const all = [sleeps.sleep(1), sleeps.sleep(1_000), sleeps.sleep(Infinity)];

  sleeps.close(reason);

  for (const sleeping of [...all, sleeps.sleep(1)]) await assert.rejects(sleeping, reason);
  assert.equal(clock.sleeping, 0);
});

test("a sleep with an aborted signal rejects immediately", async () => {
  const sleeps = new SleepQueue(fakeClock({ autoAdvance: false }));

  await assert.rejects(sleeps.sleep(1, AbortSignal.abort("before")), (reason) => reason === "before");
  assert.equal(sleeps.size, 0);
});
