import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { fakeClock } from "@holdfast/policy/testing";
import { closableClock } from "./session-clock.ts";

test("sleeps by the underlying clock, and leaves no listener", async () => {
  const under = fakeClock();
  const clock = closableClock(under);
  const { signal } = new AbortController();

  await clock.sleep(1_000, signal);

  assert.deepEqual(under.sleeps, [1_000]);
  assert.equal(clock.now(), 1_000);
  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("ends present and future sleeps when it is closed", async () => {
  const clock = closableClock(fakeClock({ autoAdvance: false }));
  const reason = new Error("closed");
  const sleeping = clock.sleep(1_000);

  clock.close(reason);

  await assert.rejects(sleeping, reason);
  await assert.rejects(clock.sleep(1), reason);
});

test("ends a sleep with the caller's reason when the caller aborts", async () => {
  const clock = closableClock(fakeClock({ autoAdvance: false }));
  const caller = new AbortController();
  const sleeping = clock.sleep(1_000, caller.signal);

  caller.abort("enough");

  await assert.rejects(sleeping, (error) => error === "enough");
});
