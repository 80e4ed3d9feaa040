import assert from "node:assert/strict";
import { Socket } from "node:net";
import { test } from "node:test";
import type { Clock } from "@holdfast/policy";
import { limitPhases } from "./phase-limits.ts";

/** A clock that stands still between the moves of the test, and the limits that were started on it. */
function stoppedClock(): { readonly clock: Clock; readonly limits: number[]; move(ms: number): void } {
  let now = 0;
  const limits: number[] = [];
  const timer = (delay: number): (() => void) => {
    limits.push(delay);
    return () => undefined;
  };
  const clock = { now: () => now, date: () => now, sleep: () => Promise.resolve(), timer };
  return { clock, limits, move: (ms) => void (now += ms) };
}

for (const [what, duration, left] of [
  ["a phase within its limit takes its time from the later ones", 150, 250],
  [
    "a phase during which the process was busy for longer than the limit leaves the later ones theirs",
    1_200,
    400,
  ],
] as const) {
  test(what, async () => {
    const { clock, limits, move } = stoppedClock();
    const phases = limitPhases({
      clock,
      limit: 400,
      phaseLimits: undefined,
      signal: new AbortController().signal,
      proxy: "proxy.test:1",
      origin: "origin.test:443",
      progress: () => 0,
    });

    await phases.runPhase("tunnel", () => {
      move(duration);
      return Promise.resolve(new Socket());
    });
    await phases.runPhase("origin", () => Promise.resolve(new Socket()));

    assert.deepEqual(limits, [400, left]);
  });
}
