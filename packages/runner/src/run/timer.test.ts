import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fakeClock } from "@holdfast/policy/testing";
import { Timer } from "./timer.ts";

describe("Timer", () => {
  it("calls once, at the time that was set last", async () => {
    const clock = fakeClock({ autoAdvance: false });
    const rings: number[] = [];
    const alarm = new Timer(clock, () => rings.push(clock.now()));

    for (const at of [50, 30, 40, 40]) alarm.set(at);
    await clock.advance(100);

    assert.deepEqual(rings, [40]);
  });

  it("can be set again after a call, and can be stopped", async () => {
    const clock = fakeClock({ autoAdvance: false });
    const rings: number[] = [];
    const alarm = new Timer(clock, () => rings.push(clock.now()));

    alarm.set(10);
    await clock.advance(10);
    alarm.set(10);
    await clock.advance(5);
    alarm.set(20);
    alarm.set(undefined);
    await clock.advance(100);

    assert.deepEqual(rings, [10, 10]);
    assert.equal(clock.sleeping, 0);
  });
});
