import assert from "node:assert/strict";
import { test } from "node:test";
import { nextCheckAt, type WaitLimits } from "./no-proxy.ts";

const patient: WaitLimits = { now: 10_000, deadline: Infinity, waits: true, changes: false };

const cases: readonly (readonly [
  title: string,
  freeAt: number,
  patience: Partial<WaitLimits>,
  lookAt: number | undefined,
])[] = [
  ["looks again when somebody is fit", 40_000, {}, 40_000],
  ["does not wait where it is not asked to", 40_000, { waits: false }, undefined],
  ["does not wait for what never comes", Infinity, {}, undefined],
  ["waits to the very deadline", 40_000, { deadline: 40_000 }, 40_000],
  ["does not wait beyond the deadline", 40_001, { deadline: 40_000 }, undefined],
  ["looks every second whether the source has somebody new", Infinity, { changes: true }, 11_000],
  ["looks sooner where somebody is fit sooner", 10_500, { changes: true }, 10_500],
  ["has no second left for the source", Infinity, { changes: true, deadline: 10_999 }, undefined],
];

for (const [title, freeAt, patience, lookAt] of cases) {
  test(`a request that nobody is fit for ${title}`, () => {
    assert.equal(nextCheckAt(freeAt, { ...patient, ...patience }), lookAt);
  });
}
