import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "@holdfast/policy/testing";
import { Watchdog, type Watched } from "./watchdog.ts";

function ward(look: (now: number) => void): Watched {
  return { checkLimits: look, next: undefined, previous: undefined };
}

test("looks at everything that is watched every ten milliseconds", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const watchdog = new Watchdog(clock);
  const seen: string[] = [];
  watchdog.watch(ward((now) => seen.push(`a${now}`)));
  watchdog.watch(ward((now) => seen.push(`b${now}`)));

  await clock.advance(20);

  assert.deepEqual(seen, ["b10", "a10", "b20", "a20"]);
});

test("sleeps for no one: when nothing is watched, no timer is left", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const watchdog = new Watchdog(clock);
  const only = ward(() => watchdog.unwatch(only));
  watchdog.watch(only);

  await clock.advance(100);

  assert.equal(clock.sleeping, 0);
  assert.equal(clock.sleeps.length, 1);
});

test("takes up again after a rest, with one timer for all", async () => {
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

test("forgets what is unwatched, from any place in the list, twice or never watched", async () => {
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

test("a ward that leaves while it is looked at does not hide the others", async () => {
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

test("after the process was held up, what has come is read before limits are looked at, but only once in a row", async () => {
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
