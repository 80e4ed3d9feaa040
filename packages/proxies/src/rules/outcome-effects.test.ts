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
  test(`${kind} counts as ${atHost} at the host and as ${everywhere} at every host`, () => {
    assert.deepEqual(decideEffects(kind, one), { atHost, everywhere, tryAnotherProxy });
  });
}

test("a gateway gets no cooldown for its first refused address, and the call retries immediately", () => {
  const gateway: EffectsInput = { ...one, kind: "many" };

  for (const kind of ["blocked", "throttled", "unreachable", "distorted"] as const) {
    const { atHost, tryAnotherProxy } = decideEffects(kind, gateway);
    assert.deepEqual([atHost, tryAnotherProxy], ["failed", true], kind);
  }
  assert.equal(decideEffects("proxy-failed", gateway).everywhere, "refused");
});

test("a block of an ended session is ignored, and the request retries through the next session", () => {
  const over: EffectsInput = { ...one, kind: "many", sessionOver: true };

  assert.deepEqual(decideEffects("blocked", over), {
    atHost: "ignored",
    everywhere: "succeeded",
    tryAnotherProxy: true,
  });
  assert.equal(decideEffects("blocked", { ...over, kind: "one" }).atHost, "refused");
});

test("the only proxy gets no cooldown for one refusal, and the call does not retry immediately", () => {
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

test("a failing origin penalises no proxy, but does not excuse a failure of the proxy itself", () => {
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
const down = (source: string, at: number, signature = "unreachable"): SuspectedFailure<string> => ({
  source,
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

test("equal failures of three addresses within the window identify the origin as the cause", () => {
  const suspicions = play(down("a", 0), down("b", 10_000), down("c", 20_000));

  assert.equal(isDown(suspicions, 20_000), true);
  assert.equal(isDown(suspicions, 31_000), false);
});

test("three failures of one address do not identify the origin as the cause", () => {
  assert.equal(isDown(play(down("a", 0), down("a", 1), down("b", 2), down("a", 3)), 3), false);
});

test("failures with different signatures do not add up", () => {
  const suspicions = play(down("a", 0), down("b", 1, "tls-certificate"), down("c", 2), down("d", 3));

  assert.equal(isDown(suspicions, 3), true);
  assert.equal(isDown(suspicions, 3, "tls-certificate"), false);
});

test("addSuspectedFailure keeps no more failures of a signature than the rule needs", () => {
  const signs = ["unreachable", "protocol"];
  const steps = fc.array(
    fc.record({ source: fc.nat(), step: fc.nat(), signature: fc.constantFrom(...signs) }),
  );
  fc.assert(
    fc.property(steps, (all) => {
      let at = 0;
      let known: readonly SuspectedFailure<number>[] = [];
      for (const { source, step, signature } of all)
        known = addSuspectedFailure(rule, known, { source, signature, at: (at += step) });

      for (const signature of signs)
        assert.ok(known.filter((suspicion) => suspicion.signature === signature).length <= rule.count);
      assert.equal(new Set(known.map(({ source }) => source)).size, known.length);
    }),
  );
});
