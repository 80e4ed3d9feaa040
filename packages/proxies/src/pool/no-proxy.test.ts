import assert from "node:assert/strict";
import { test } from "node:test";
import { nextCheckAt, type WaitLimits } from "./no-proxy.ts";

const patient: WaitLimits = { now: 10_000, deadline: Infinity, waitsWhenEmpty: true, canChange: false };

const cases: readonly (readonly [
  title: string,
  freeAt: number,
  patience: Partial<WaitLimits>,
  lookAt: number | undefined,
])[] = [
  ["checks again when a proxy becomes available", 40_000, {}, 40_000],
  ["does not wait where it is not asked to", 40_000, { waitsWhenEmpty: false }, undefined],
  ["does not wait for what never comes", Infinity, {}, undefined],
  ["waits until the deadline", 40_000, { deadline: 40_000 }, 40_000],
  ["does not wait beyond the deadline", 40_001, { deadline: 40_000 }, undefined],
  ["checks the source every second", Infinity, { canChange: true }, 11_000],
  ["checks sooner when a proxy becomes available sooner", 10_500, { canChange: true }, 10_500],
  ["has no second left for the source", Infinity, { canChange: true, deadline: 10_999 }, undefined],
];

for (const [title, freeAt, patience, lookAt] of cases) {
  test(`a request without an available proxy ${title}`, () => {
    assert.equal(nextCheckAt(freeAt, { ...patient, ...patience }), lookAt);
  });
}
