import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  decideEffects,
  hasRepeated,
  addSuspectedFailure,
  type EffectsInput,
  type SuspectedFailure,
} from "./outcome-effects.ts";
import type { OutcomeKind } from "./outcome.ts";

const one: EffectsInput = { kind: "one", originDown: false, sessionOver: false, atSeveralHosts: false };
const rows: readonly (readonly [
  kind: OutcomeKind,
  atHost: string,
  everywhere: string,
  tryAnotherProxy: boolean,
])[] = [
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

for (const [kind, atHost, everywhere, tryAnotherProxy] of rows) {
  test(`${kind}: at the host ${atHost}, everywhere ${everywhere}`, () => {
    assert.deepEqual(decideEffects(kind, one), { atHost, everywhere, tryAnotherProxy });
  });
}

test("a gateway gets no cooldown for its first refused address, and another one is tried immediately", () => {
  const gateway: EffectsInput = { ...one, kind: "many" };

  for (const kind of ["blocked", "throttled", "unreachable", "distorted"] as const) {
    const { atHost, tryAnotherProxy } = decideEffects(kind, gateway);
    assert.deepEqual([atHost, tryAnotherProxy], ["failed", true], kind);
  }
  assert.equal(decideEffects("proxy-failed", gateway).everywhere, "refused");
});

test("a session that has ended is not blamed again, and what came through it goes on through the next one", () => {
  const over: EffectsInput = { ...one, kind: "many", sessionOver: true };

  assert.deepEqual(decideEffects("blocked", over), {
    atHost: "ignored",
    everywhere: "succeeded",
    tryAnotherProxy: true,
  });
  assert.equal(decideEffects("blocked", { ...over, kind: "one" }).atHost, "refused");
});

test("the only proxy gets no cooldown for one refusal, and no other proxy is promised", () => {
  const only: EffectsInput = { ...one, kind: "only" };

  for (const kind of ["blocked", "unreachable", "distorted"] as const) {
    const { atHost, tryAnotherProxy } = decideEffects(kind, only);
    assert.deepEqual([atHost, tryAnotherProxy], ["failed", false], kind);
  }
  assert.equal(decideEffects("throttled", only).atHost, "throttled");
  assert.equal(decideEffects("proxy-failed", only).everywhere, "refused");
});

test("a proxy whose route fails at several hosts gets a cooldown for every host", () => {
  const several: EffectsInput = { ...one, atSeveralHosts: true };

  for (const kind of ["one", "many", "only"] as const) {
    assert.equal(decideEffects("unreachable", { ...several, kind }).everywhere, "refused");
    assert.equal(decideEffects("distorted", { ...several, kind }).everywhere, "refused");
  }
  assert.equal(decideEffects("failed", several).everywhere, "ignored");
  assert.equal(decideEffects("blocked", several).everywhere, "succeeded");
});

test("a failing origin blames no proxy, and does not excuse a failure of the proxy itself", () => {
  const down: EffectsInput = { ...one, originDown: true, atSeveralHosts: true };

  for (const kind of ["unreachable", "failed", "distorted"] as const)
    assert.deepEqual(decideEffects(kind, down), {
      atHost: "ignored",
      everywhere: "ignored",
      tryAnotherProxy: false,
    });
  assert.equal(decideEffects("proxy-failed", down).everywhere, "refused");
  assert.equal(decideEffects("blocked", down).atHost, "refused");
});

const rule = { count: 3, window: 30_000 };
const down = (who: string, at: number, signature = "unreachable"): SuspectedFailure<string> => ({
  source: who,
  signature,
  at,
});
const play = (...failures: readonly SuspectedFailure<string>[]): readonly SuspectedFailure<string>[] =>
  failures.reduce<readonly SuspectedFailure<string>[]>(
    (known, latest) => addSuspectedFailure(rule, known, latest),
    [],
  );
const isDown = (
  suspicions: readonly SuspectedFailure<string>[],
  now: number,
  signature = "unreachable",
): boolean => hasRepeated(rule, suspicions, { signature, now });

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

test("no more suspicions of a signature are kept than are needed", () => {
  const signs = ["unreachable", "protocol"];
  const steps = fc.array(fc.record({ who: fc.nat(), step: fc.nat(), signature: fc.constantFrom(...signs) }));
  fc.assert(
    fc.property(steps, (all) => {
      let at = 0;
      let known: readonly SuspectedFailure<number>[] = [];
      for (const { who, step, signature } of all)
        known = addSuspectedFailure(rule, known, { source: who, signature, at: (at += step) });

      for (const signature of signs)
        assert.ok(known.filter((suspicion) => suspicion.signature === signature).length <= rule.count);
      assert.equal(new Set(known.map(({ source: who }) => who)).size, known.length);
    }),
  );
});
