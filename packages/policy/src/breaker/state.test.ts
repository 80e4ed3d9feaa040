import type { Break } from "./break.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  admits,
  closedState,
  nextState,
  type BreakerInput,
  type BreakerRule,
  type BreakerState,
} from "./state.ts";
import { consecutive } from "./failure-tally.ts";

const rule: BreakerRule = { opensWhen: consecutive(2), probes: 2 };
const now = 50;
const growing = (openings: number): Break => ({
  duration: openings * 10,
  until: now + openings * 10,
  retryAt: 0,
});
const last: Break = { duration: 10, until: now, retryAt: 0 };

const closed = closedState(3, rule);
const shaken: BreakerState = { at: "closed", generation: 3, tally: consecutive(2).after(true, now) };
const open: BreakerState = { at: "open", generation: 3, openings: 1, break: last };
const halfOpen = {
  at: "half-open",
  generation: 3,
  openings: 1,
  break: last,
  until: now + 10,
  running: 1,
  succeeded: 0,
} as const satisfies BreakerState;
const isolated: BreakerState = { at: "isolated", generation: 3, holders: 1 };

const admitted: BreakerInput = { type: "admitted", now };
const succeeded: BreakerInput = { type: "succeeded", now, generation: 3 };
const failed: BreakerInput = { type: "failed", now, generation: 3, break: growing };
const ignored: BreakerInput = { type: "ignored", generation: 3 };

const table: readonly (readonly [string, BreakerState, BreakerInput, Partial<BreakerState>])[] = [
  ["closed stays closed when a call is admitted", closed, admitted, closed],
  ["closed stays closed on success", closed, succeeded, { at: "closed", generation: 3 }],
  ["closed counts a failure", closed, failed, { at: "closed", generation: 3 }],
  [
    "closed opens when the tally trips",
    shaken,
    failed,
    { at: "open", generation: 4, openings: 1, break: growing(1) },
  ],
  ["closed does not count an ignored outcome", shaken, ignored, shaken],
  [
    "open becomes half-open when a probe is admitted",
    open,
    admitted,
    { at: "half-open", generation: 4, running: 1, until: now + 10 },
  ],
  ["open ignores a late success", open, { ...succeeded, generation: 2 }, open],
  ["open ignores a late failure", open, { ...failed, generation: 2 }, open],
  ["half-open admits another probe", halfOpen, admitted, { ...halfOpen, running: 2 }],
  ["half-open counts a success", halfOpen, succeeded, { ...halfOpen, running: 0, succeeded: 1 }],
  [
    "half-open closes when all probes succeeded",
    { ...halfOpen, succeeded: 1 },
    succeeded,
    closedState(4, rule),
  ],
  [
    "half-open opens for longer after a failure",
    halfOpen,
    failed,
    { at: "open", generation: 4, openings: 2, break: growing(2) },
  ],
  [
    "half-open makes room for another probe after an ignored outcome",
    halfOpen,
    ignored,
    { ...halfOpen, running: 0 },
  ],
  ["half-open ignores the outcome of an earlier call", halfOpen, { ...failed, generation: 2 }, halfOpen],
  [
    "half-open replaces probes that do not end",
    { ...halfOpen, running: 2 },
    admitted,
    { at: "half-open", generation: 4, running: 1 },
  ],
  ["isolated ignores results", isolated, succeeded, isolated],
  [
    "any circuit can be isolated",
    halfOpen,
    { type: "isolated" },
    { at: "isolated", generation: 4, holders: 1 },
  ],
  [
    "isolating twice holds twice",
    isolated,
    { type: "isolated" },
    { at: "isolated", generation: 3, holders: 2 },
  ],
  ["releasing one of two holds still", { ...isolated, holders: 2 }, { type: "released" }, isolated],
  ["releasing the last one closes", isolated, { type: "released" }, closedState(4, rule)],
  ["releasing a circuit that is not isolated does nothing", open, { type: "released" }, open],
];

for (const [name, state, input, expected] of table) {
  test(name, () => {
    const after = nextState(rule, state, input);

    assert.deepEqual({ ...after, ...expected, tally: undefined }, { ...after, tally: undefined });
  });
}

const admissions: readonly (readonly [string, BreakerState, number, boolean])[] = [
  ["closed admits", closed, now, true],
  ["open refuses before its time", open, now - 1, false],
  ["open admits when its time is over", open, now, true],
  ["half-open admits while probes are left", halfOpen, now, true],
  ["half-open counts successful probes too", { ...halfOpen, succeeded: 1 }, now, false],
  ["half-open refuses while all probes are out", { ...halfOpen, running: 2 }, now, false],
  ["half-open admits when they do not come back", { ...halfOpen, running: 2 }, now + 10, true],
  ["isolated refuses", isolated, Infinity, false],
];

for (const [name, state, at, expected] of admissions) {
  test(name, () => {
    assert.equal(admits(rule, state, at), expected);
  });
}

test("generations never fall and no more probes run than allowed, for any inputs", () => {
  const steps = fc.array(fc.tuple(fc.constantFrom("ask", "succeed", "fail", "ignore", "wait"), fc.nat()), {
    maxLength: 80,
  });
  fc.assert(
    fc.property(steps, (given) => {
      let time = 0;
      let state = closedState(0, rule);
      let running: number[] = [];
      for (const [step, which] of given) {
        const before = state.generation;
        const [generation] = running.splice(
          which % Math.max(1, running.length),
          step === "ask" || step === "wait" ? 0 : 1,
        );
        if (step === "wait") time += 7;
        else if (step === "ask") {
          if (admits(rule, state, time)) {
            state = nextState(rule, state, { type: "admitted", now: time });
            running = [...running, state.generation];
          }
        } else if (generation !== undefined) {
          const until: Break = { duration: 10, until: time + 10, retryAt: 0 };
          state = nextState(rule, state, answer(step, { time, generation, until }));
        }
        assert.ok(state.generation >= before);
        if (state.at !== "half-open") continue;
        const probes = running.filter((begun) => begun === state.generation).length;
        assert.equal(state.running, probes);
        assert.ok(state.running + state.succeeded <= rule.probes);
      }
    }),
  );
});

function answer(
  step: "succeed" | "fail" | "ignore",
  { time, generation, until }: { readonly time: number; readonly generation: number; readonly until: Break },
): BreakerInput {
  if (step === "succeed") return { type: "succeeded", now: time, generation };
  if (step === "fail") return { type: "failed", now: time, generation, break: () => until };
  return { type: "ignored", generation };
}
