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
  ["does not wait in a pool that fails when empty", 40_000, { waitsWhenEmpty: false }, undefined],
  ["does not wait if no proxy will ever be available", Infinity, {}, undefined],
  ["waits until the deadline", 40_000, { deadline: 40_000 }, 40_000],
  ["does not wait beyond the deadline", 40_001, { deadline: 40_000 }, undefined],
  ["checks the source every second", Infinity, { canChange: true }, 11_000],
  ["checks sooner when a proxy becomes available sooner", 10_500, { canChange: true }, 10_500],
  [
    "does not wait for the source with less than a second left",
    Infinity,
    { canChange: true, deadline: 10_999 },
    undefined,
  ],
];

for (const [title, freeAt, patience, lookAt] of cases) {
  test(`a request without an available proxy ${title}`, () => {
    assert.equal(nextCheckAt(freeAt, { ...patient, ...patience }), lookAt);
  });
}
