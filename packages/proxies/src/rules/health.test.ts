import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  blankHealth,
  isBlank,
  isAvailable,
  isRetired,
  nextHealth,
  cooldownFor,
  currentScore,
  type Health,
  type HealthInput,
  type HealthRule,
} from "./health.ts";

const rule: HealthRule = {
  cooldown: 30_000,
  maxCooldown: 3_600_000,
  retireAfter: 5,
  limit: 3,
  reward: 0.5,
  halfLife: 60_000,
  probe: 60_000,
};
const trouble = { began: 0, reason: "http-403", random: 0 };

/** Plays events, the time of each given with it. */
function after(...inputs: readonly HealthInput[]): Health {
  return inputs.reduce((health, input) => nextHealth(rule, health, input), blankHealth);
}

const at = (now: number) => ({
  leased: { type: "leased", now } as const,
  ok: { type: "succeeded", now, began: now } as const,
  nothing: { type: "ignored", now, began: now } as const,
  slow: { type: "failed", ...trouble, now, began: now, reason: "timeout-read" } as const,
  refused: { type: "refused", ...trouble, now, began: now } as const,
  throttled: (until?: number) => ({ type: "throttled", ...trouble, now, began: now, until }) as const,
});

const cases: readonly (readonly [what: string, inputs: readonly HealthInput[], expected: Partial<Health>])[] =
  [
    ["one failure rests nobody", [at(0).slow], { at: "available", score: 1 }],
    [
      "three failures in a row do",
      [at(0).slow, at(0).slow, at(0).slow],
      { at: "cooling-down", until: 30_000, cooldowns: 1 },
    ],
    [
      "failures that are far apart are forgotten",
      [at(0).slow, at(0).slow, at(60_000).slow],
      { at: "available", score: 2 },
    ],
    ["a success makes up for half a failure", [at(0).slow, at(0).ok], { at: "available", score: 0.5 }],
    [
      "more successes than needed are not saved up",
      [at(0).slow, at(0).ok, at(0).ok, at(0).ok],
      { at: "available", score: 0 },
    ],
    [
      "one refusal is enough",
      [at(0).refused],
      { at: "cooling-down", until: 30_000, reason: "http-403", throttled: false },
    ],
    [
      "a lease during the rest changes nothing",
      [at(0).refused, at(1).leased],
      { at: "cooling-down", until: 30_000 },
    ],
    [
      "after the rest one request probes",
      [at(0).refused, at(30_000).leased],
      { at: "probing", since: 30_000, until: 90_000 },
    ],
    [
      "a probe that succeeds ends it",
      [at(0).refused, at(30_000).leased, at(30_001).ok],
      { at: "available", cooldowns: 0 },
    ],
    [
      "a probe that fails softly ends it too",
      [at(0).refused, at(30_000).leased, at(30_001).slow],
      { at: "cooling-down", cooldowns: 2, until: 90_001 },
    ],
    [
      "each rest is twice the one before",
      [at(0).refused, at(30_000).leased, at(30_000).refused],
      { at: "cooling-down", cooldowns: 2, until: 90_000 },
    ],
    [
      "a probe that says nothing is followed by another",
      [at(0).refused, at(30_000).leased, at(30_005).nothing],
      { at: "cooling-down", cooldowns: 1, until: 30_005 },
    ],
    [
      "a probe that never ends is taken for lost",
      [at(0).refused, at(30_000).leased, at(90_000).leased],
      { at: "probing", since: 90_000, until: 150_000 },
    ],
    [
      "what began before the rest does not make it longer",
      [at(0).refused, { ...at(5).refused, began: 0 }],
      { at: "cooling-down", cooldowns: 1, until: 30_000 },
    ],
    [
      "what began before the probe does not decide it",
      [at(0).refused, at(30_000).leased, { ...at(30_001).ok, began: 0 }],
      { at: "probing" },
    ],
    [
      "a success during the rest does not end it",
      [at(0).refused, at(5).ok],
      { at: "cooling-down", until: 30_000 },
    ],
    [
      "who comes too often rests as long as was said",
      [at(0).throttled(7_000)],
      { at: "cooling-down", until: 7_000, cooldowns: 0, throttled: true },
    ],
    ["a moment that is past is now", [at(9).throttled(7)], { at: "cooling-down", until: 9 }],
    [
      "a later word makes that rest longer",
      [at(0).throttled(7_000), at(1).throttled(9_000), at(2).throttled(8_000)],
      { at: "cooling-down", until: 9_000 },
    ],
    [
      "without a word the rests grow",
      [at(0).throttled(), at(30_000).leased, at(30_000).throttled()],
      { at: "cooling-down", cooldowns: 2, until: 90_000 },
    ],
  ];

for (const [what, inputs, expected] of cases) {
  test(what, () => {
    const health = after(...inputs);

    assert.deepEqual({ ...health, ...expected }, health);
  });
}

test("a proxy that is refused repeatedly is retired: probed after the longest cooldown only", () => {
  let health: Health = blankHealth;
  const rests: number[] = [];
  let now = 0;
  for (let time = 0; time < 7; time += 1) {
    health = nextHealth(rule, nextHealth(rule, health, at(now).leased), at(now).refused);
    assert.ok(health.at === "cooling-down");
    rests.push(health.until - now);
    now = health.until;
  }

  assert.deepEqual(rests, [30_000, 60_000, 120_000, 240_000, 3_600_000, 3_600_000, 3_600_000]);
  assert.equal(isRetired(rule, health), true);
  assert.equal(
    isRetired(rule, nextHealth(rule, nextHealth(rule, health, at(now).leased), at(now).ok)),
    false,
  );
});

test("throttling alone never retires a proxy", () => {
  let health: Health = blankHealth;
  for (let now = 0; now < 1e8; now += 4e6) {
    health = nextHealth(rule, nextHealth(rule, health, at(now).leased), at(now).throttled());
    assert.equal(isRetired(rule, health), false);
  }
});

test("after its cooldowns, successes restore a proxy completely", () => {
  const health = after(at(0).refused, at(30_000).leased, at(30_000).ok);

  assert.equal(isBlank(health), true);
});

const anyInput = fc.record({
  type: fc.constantFrom("leased", "succeeded", "ignored", "failed", "refused", "throttled"),
  step: fc.integer({ min: 0, max: 100_000 }),
  age: fc.integer({ min: 0, max: 100_000 }),
  random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  wish: fc.option(fc.integer({ min: 0, max: 10_000_000 }), { nil: undefined }),
});

test("a cooldown is never longer than the longest or the requested one, and ends only with time", () => {
  fc.assert(
    fc.property(fc.array(anyInput), (steps) => {
      let health: Health = blankHealth;
      let now = 0;
      let asked = 0;
      for (const { type, step, age, random, wish } of steps) {
        now += step;
        const until = wish === undefined ? undefined : now + wish;
        if (type === "throttled") asked = Math.max(asked, until ?? 0);
        const before = health;
        health = nextHealth(rule, health, {
          type,
          now,
          began: now - age,
          reason: "x",
          random,
          until,
        });

        assert.ok(
          health.cooldowns >= 0 &&
            currentScore(rule, health, now) >= 0 &&
            currentScore(rule, health, now) < rule.limit,
        );
        if (before.at === "cooling-down" && now < before.until) {
          assert.ok(health.at === "cooling-down" && health.until >= before.until, "a rest is kept");
        }
        if (health.at === "cooling-down") {
          assert.ok(health.until <= Math.max(now + rule.maxCooldown * 1.5, asked));
          assert.equal(isAvailable(health, health.until), true);
        }
      }
    }),
  );
});

test("chance adds up to half to a cooldown, and subtracts nothing", () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 2_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (rests, random) => {
        const bare = cooldownFor(rule, rests, 0);
        const rest = cooldownFor(rule, rests, random);

        assert.ok(bare <= rest && rest < bare * 1.5 + 1 && bare >= rule.cooldown && bare <= rule.maxCooldown);
      },
    ),
  );
});
