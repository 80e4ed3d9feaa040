import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "@holdfast/policy/testing";
import { Watchdog, type Watched } from "./watchdog.ts";

function ward(look: (now: number) => void): Watched {
  return { checkLimits: look, next: undefined, previous: undefined };
}

test("checks every watched object every ten milliseconds", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const watchdog = new Watchdog(clock);
  const seen: string[] = [];
  watchdog.watch(ward((now) => seen.push(`a${now}`)));
  watchdog.watch(ward((now) => seen.push(`b${now}`)));

  await clock.advance(20);

  assert.deepEqual(seen, ["b10", "a10", "b20", "a20"]);
});

test("keeps no timer while nothing is watched", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const watchdog = new Watchdog(clock);
  const only = ward(() => watchdog.unwatch(only));
  watchdog.watch(only);

  await clock.advance(100);

  assert.equal(clock.sleeping, 0);
  assert.equal(clock.sleeps.length, 1);
});

test("starts again with one timer for all", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const watchdog = new Watchdog(clock);
  const first = ward(() => watchdog.unwatch(first));
  watchdog.watch(first);
  await clock.advance(50);
  let looks = 0;

  watchdog.watch(ward(() => (looks += 1)));
  watchdog.watch(ward(() => undefined));
  await clock.advance(30);

  assert.equal(looks, 3);
  assert.equal(clock.sleeping, 1);
});

test("unwatches an object at any place in the list, twice, or without watching it first", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const watchdog = new Watchdog(clock);
  const seen: number[] = [];
  const wards = [0, 1, 2, 3].map((number) => ward(() => seen.push(number)));
  for (const each of wards) watchdog.watch(each);

  for (const gone of [wards[0], wards[2], wards[2], ward(() => undefined)])
    if (gone !== undefined) watchdog.unwatch(gone);
  await clock.advance(10);

  assert.deepEqual(seen, [3, 1]);
});

test("checks the others when an object unwatches itself during its check", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const watchdog = new Watchdog(clock);
  const seen: number[] = [];
  const wards = [0, 1, 2].map((number) =>
    ward(() => {
      seen.push(number);
      const me = wards[number];
      if (me !== undefined) watchdog.unwatch(me);
    }),
  );
  for (const each of wards) watchdog.watch(each);

  await clock.advance(20);

  assert.deepEqual(seen, [2, 1, 0]);
});

test("skips one check after a delay of the process, but not two in a row", async () => {
  let now = 0;
  const wakes: (() => void)[] = [];
  const clock = {
    now: () => now,
    date: () => now,
    sleep: () => new Promise<void>((resolve) => wakes.push(resolve)),
  };
  const watchdog = new Watchdog(clock);
  const seen: number[] = [];
  watchdog.watch(ward((at) => seen.push(at)));

  for (const lateness of [10, 5_000, 5_000, 5_000, 10]) {
    now += lateness;
    wakes.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }

  assert.deepEqual(seen, [10, 10_010, 15_020]);
});
