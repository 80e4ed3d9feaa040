import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { blameOf, callsForAnother, isOriginDown, suspect, type Suspicion } from "./blame.ts";
import type { OutcomeKind } from "./outcome.ts";

const one = { gateway: false, originDown: false };
const rows: readonly (readonly [kind: OutcomeKind, atHost: string, everywhere: string, another: boolean])[] =
  [
    ["success", "succeeded", "succeeded", false],
    ["origin", "ignored", "succeeded", false],
    ["void", "ignored", "ignored", false],
    ["failed", "failed", "ignored", false],
    ["blocked", "refused", "succeeded", true],
    ["throttled", "throttled", "succeeded", true],
    ["unreachable", "refused", "ignored", true],
    ["proxy-failed", "ignored", "refused", true],
    ["proxy-throttled", "ignored", "throttled", true],
  ];

for (const [kind, atHost, everywhere, another] of rows) {
  test(`${kind}: at the host ${atHost}, everywhere ${everywhere}`, () => {
    assert.deepEqual(blameOf(kind, one), { atHost, everywhere });
    assert.equal(callsForAnother(kind), another);
  });
}

test("a gateway is not put to rest by the first of its addresses that is blocked or throttled", () => {
  const gateway = { gateway: true, originDown: false };

  assert.equal(blameOf("blocked", gateway).atHost, "failed");
  assert.equal(blameOf("throttled", gateway).atHost, "failed");
  assert.equal(blameOf("unreachable", gateway).atHost, "refused");
  assert.equal(blameOf("proxy-failed", gateway).everywhere, "refused");
});

test("an origin that is down blames nobody, and excuses no proxy that is itself at fault", () => {
  const down = { gateway: false, originDown: true };

  for (const kind of ["unreachable", "failed"] as const)
    assert.deepEqual(blameOf(kind, down), { atHost: "ignored", everywhere: "ignored" });
  assert.equal(blameOf("proxy-failed", down).everywhere, "refused");
  assert.equal(blameOf("blocked", down).atHost, "refused");
});

const rule = { addresses: 3, window: 30_000 };
const play = (...failures: readonly Suspicion<string>[]): readonly Suspicion<string>[] =>
  failures.reduce<readonly Suspicion<string>[]>((known, latest) => suspect(rule, known, latest), []);

test("three addresses that fail alike within the window show that it is the origin", () => {
  const suspicions = play({ who: "a", at: 0 }, { who: "b", at: 10_000 }, { who: "c", at: 20_000 });

  assert.equal(isOriginDown(rule, suspicions, 20_000), true);
  assert.equal(isOriginDown(rule, suspicions, 31_000), false);
});

test("one address that fails three times shows nothing of the kind", () => {
  const suspicions = play({ who: "a", at: 0 }, { who: "a", at: 1 }, { who: "b", at: 2 }, { who: "a", at: 3 });

  assert.equal(isOriginDown(rule, suspicions, 3), false);
});

test("no more suspicions are kept than are needed", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ who: fc.nat(), step: fc.nat() })), (steps) => {
      let at = 0;
      let known: readonly Suspicion<number>[] = [];
      for (const { who, step } of steps) known = suspect(rule, known, { who, at: (at += step) });

      assert.ok(known.length <= rule.addresses);
      assert.equal(new Set(known.map(({ who }) => who)).size, known.length);
    }),
  );
});
