import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { blameOf, isAlike, suspect, type Circumstances, type Suspicion } from "./attribution.ts";
import type { OutcomeKind } from "./outcome.ts";

const one: Circumstances = { kind: "one", originDown: false, sessionOver: false, atSeveralHosts: false };
const rows: readonly (readonly [kind: OutcomeKind, atHost: string, everywhere: string, another: boolean])[] =
  [
    ["success", "succeeded", "succeeded", false],
    ["origin", "ignored", "succeeded", false],
    ["void", "ignored", "ignored", false],
    ["failed", "failed", "ignored", false],
    ["blocked", "refused", "succeeded", true],
    ["throttled", "throttled", "succeeded", true],
    ["unreachable", "refused", "ignored", true],
    ["distorted", "refused", "ignored", true],
    ["proxy-failed", "ignored", "refused", true],
    ["proxy-throttled", "ignored", "throttled", true],
  ];

for (const [kind, atHost, everywhere, another] of rows) {
  test(`${kind}: at the host ${atHost}, everywhere ${everywhere}`, () => {
    assert.deepEqual(blameOf(kind, one), { atHost, everywhere, another });
  });
}

test("a gateway is not put to rest by the first of its addresses that is refused, and another one is asked at once", () => {
  const gateway: Circumstances = { ...one, kind: "many" };

  for (const kind of ["blocked", "throttled", "unreachable", "distorted"] as const) {
    const { atHost, another } = blameOf(kind, gateway);
    assert.deepEqual([atHost, another], ["failed", true], kind);
  }
  assert.equal(blameOf("proxy-failed", gateway).everywhere, "refused");
});

test("a session that has ended is not blamed again, and what came through it goes on through the next one", () => {
  const over: Circumstances = { ...one, kind: "many", sessionOver: true };

  assert.deepEqual(blameOf("blocked", over), { atHost: "ignored", everywhere: "succeeded", another: true });
  assert.equal(blameOf("blocked", { ...over, kind: "one" }).atHost, "refused");
});

test("the only proxy is not put to rest by one refusal, and no other address is promised", () => {
  const only: Circumstances = { ...one, kind: "only" };

  for (const kind of ["blocked", "unreachable", "distorted"] as const) {
    const { atHost, another } = blameOf(kind, only);
    assert.deepEqual([atHost, another], ["failed", false], kind);
  }
  assert.equal(blameOf("throttled", only).atHost, "throttled");
  assert.equal(blameOf("proxy-failed", only).everywhere, "refused");
});

test("who opens no way to several hosts, or distorts what they say, rests for every host", () => {
  const several: Circumstances = { ...one, atSeveralHosts: true };

  for (const kind of ["one", "many", "only"] as const) {
    assert.equal(blameOf("unreachable", { ...several, kind }).everywhere, "refused");
    assert.equal(blameOf("distorted", { ...several, kind }).everywhere, "refused");
  }
  assert.equal(blameOf("failed", several).everywhere, "ignored");
  assert.equal(blameOf("blocked", several).everywhere, "succeeded");
});

test("an origin that is down blames nobody, and excuses no proxy that is itself at fault", () => {
  const down: Circumstances = { ...one, originDown: true, atSeveralHosts: true };

  for (const kind of ["unreachable", "failed", "distorted"] as const)
    assert.deepEqual(blameOf(kind, down), { atHost: "ignored", everywhere: "ignored", another: false });
  assert.equal(blameOf("proxy-failed", down).everywhere, "refused");
  assert.equal(blameOf("blocked", down).atHost, "refused");
});

const rule = { many: 3, window: 30_000 };
const down = (who: string, at: number, sign = "unreachable"): Suspicion<string> => ({ who, sign, at });
const play = (...failures: readonly Suspicion<string>[]): readonly Suspicion<string>[] =>
  failures.reduce<readonly Suspicion<string>[]>((known, latest) => suspect(rule, known, latest), []);
const isDown = (suspicions: readonly Suspicion<string>[], now: number, sign = "unreachable"): boolean =>
  isAlike(rule, suspicions, { sign, now });

test("three addresses that fail alike within the window show that it is the origin", () => {
  const suspicions = play(down("a", 0), down("b", 10_000), down("c", 20_000));

  assert.equal(isDown(suspicions, 20_000), true);
  assert.equal(isDown(suspicions, 31_000), false);
});

test("one address that fails three times shows nothing of the kind", () => {
  assert.equal(isDown(play(down("a", 0), down("a", 1), down("b", 2), down("a", 3)), 3), false);
});

test("what is not alike does not add up", () => {
  const suspicions = play(down("a", 0), down("b", 1, "tls-certificate"), down("c", 2), down("d", 3));

  assert.equal(isDown(suspicions, 3), true);
  assert.equal(isDown(suspicions, 3, "tls-certificate"), false);
});

test("no more suspicions of a sign are kept than are needed", () => {
  const signs = ["unreachable", "protocol"];
  const steps = fc.array(fc.record({ who: fc.nat(), step: fc.nat(), sign: fc.constantFrom(...signs) }));
  fc.assert(
    fc.property(steps, (all) => {
      let at = 0;
      let known: readonly Suspicion<number>[] = [];
      for (const { who, step, sign } of all) known = suspect(rule, known, { who, sign, at: (at += step) });

      for (const sign of signs)
        assert.ok(known.filter((suspicion) => suspicion.sign === sign).length <= rule.many);
      assert.equal(new Set(known.map(({ who }) => who)).size, known.length);
    }),
  );
});
