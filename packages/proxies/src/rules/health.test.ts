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

/** Returns the health after a list of events. */
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
    ["one failure starts no cooldown", [at(0).slow], { at: "available", score: 1 }],
    [
      "three failures in a row start a cooldown",
      [at(0).slow, at(0).slow, at(0).slow],
      { at: "cooling-down", until: 30_000, cooldowns: 1 },
    ],
    ["old failures expire", [at(0).slow, at(0).slow, at(60_000).slow], { at: "available", score: 2 }],
    ["a success makes up for half a failure", [at(0).slow, at(0).ok], { at: "available", score: 0.5 }],
    [
      "the score does not fall below zero",
      [at(0).slow, at(0).ok, at(0).ok, at(0).ok],
      { at: "available", score: 0 },
    ],
    [
      "one refusal starts a cooldown",
      [at(0).refused],
      { at: "cooling-down", until: 30_000, reason: "http-403", throttled: false },
    ],
    [
      "a lease during the cooldown changes nothing",
      [at(0).refused, at(1).leased],
      { at: "cooling-down", until: 30_000 },
    ],
    [
      "the first lease after the cooldown is a probe",
      [at(0).refused, at(30_000).leased],
      { at: "probing", since: 30_000, until: 90_000 },
    ],
    [
      "a successful probe makes the proxy available",
      [at(0).refused, at(30_000).leased, at(30_001).ok],
      { at: "available", cooldowns: 0 },
    ],
    [
      "one failure of a probe starts the next cooldown",
      [at(0).refused, at(30_000).leased, at(30_001).slow],
      { at: "cooling-down", cooldowns: 2, until: 90_001 },
    ],
    [
      "each cooldown is twice the previous one",
      [at(0).refused, at(30_000).leased, at(30_000).refused],
      { at: "cooling-down", cooldowns: 2, until: 90_000 },
    ],
    [
      "a probe that is ignored is repeated immediately",
      [at(0).refused, at(30_000).leased, at(30_005).nothing],
      { at: "cooling-down", cooldowns: 1, until: 30_005 },
    ],
    [
      "a probe without a report expires",
      [at(0).refused, at(30_000).leased, at(90_000).leased],
      { at: "probing", since: 90_000, until: 150_000 },
    ],
    [
      "a refusal of a request that began before the cooldown does not extend it",
      [at(0).refused, { ...at(5).refused, began: 0 }],
      { at: "cooling-down", cooldowns: 1, until: 30_000 },
    ],
    [
      "a success of a request that began before the probe does not end it",
      [at(0).refused, at(30_000).leased, { ...at(30_001).ok, began: 0 }],
      { at: "probing" },
    ],
    [
      "a success during the cooldown does not end it",
      [at(0).refused, at(5).ok],
      { at: "cooling-down", until: 30_000 },
    ],
    [
      "throttling starts a cooldown until the stated time",
      [at(0).throttled(7_000)],
      { at: "cooling-down", until: 7_000, cooldowns: 0, throttled: true },
    ],
    [
      "a stated time in the past ends the cooldown immediately",
      [at(9).throttled(7)],
      { at: "cooling-down", until: 9 },
    ],
    [
      "a later stated time extends the cooldown",
      [at(0).throttled(7_000), at(1).throttled(9_000), at(2).throttled(8_000)],
      { at: "cooling-down", until: 9_000 },
    ],
    [
      "cooldowns grow without a stated time",
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

test("nextHealth retires a proxy after repeated refusals, and probes it after the longest cooldown only", () => {
  let health: Health = blankHealth;
  const cooldowns: number[] = [];
  let now = 0;
  for (let time = 0; time < 7; time += 1) {
    health = nextHealth(rule, nextHealth(rule, health, at(now).leased), at(now).refused);
    assert.ok(health.at === "cooling-down");
    cooldowns.push(health.until - now);
    now = health.until;
  }

  assert.deepEqual(cooldowns, [30_000, 60_000, 120_000, 240_000, 3_600_000, 3_600_000, 3_600_000]);
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
  delay: fc.option(fc.integer({ min: 0, max: 10_000_000 }), { nil: undefined }),
});

test("a cooldown lasts at most 1.5 times maxCooldown or until the requested time, and ends only with time", () => {
  fc.assert(
    fc.property(fc.array(anyInput), (steps) => {
      let health: Health = blankHealth;
      let now = 0;
      let requested = 0;
      for (const { type, step, age, random, delay } of steps) {
        now += step;
        const until = delay === undefined ? undefined : now + delay;
        if (type === "throttled") requested = Math.max(requested, until ?? 0);
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
          assert.ok(health.at === "cooling-down" && health.until >= before.until, "a cooldown was shortened");
        }
        if (health.at === "cooling-down") {
          assert.ok(health.until <= Math.max(now + rule.maxCooldown * 1.5, requested));
          assert.equal(isAvailable(health, health.until), true);
        }
      }
    }),
  );
});

test("the random number adds up to half to a cooldown, and subtracts nothing", () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 2_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (cooldowns, random) => {
        const shortest = cooldownFor(rule, cooldowns, 0);
        const cooldown = cooldownFor(rule, cooldowns, random);

        assert.ok(
          shortest <= cooldown &&
            cooldown < shortest * 1.5 + 1 &&
            shortest >= rule.cooldown &&
            shortest <= rule.maxCooldown,
        );
      },
    ),
  );
});
