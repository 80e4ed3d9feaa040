import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "@holdfast/policy/testing";
import * as fc from "fast-check";
import {
  recordTierRequest,
  chooseTier,
  costPerSuccess,
  tierDefaults,
  createTierState,
  type TierCost,
  type TierState,
} from "./tiers.ts";

const costs: readonly [TierCost, TierCost] = [
  { perRequest: 1, perGb: 0 },
  { perRequest: 10, perGb: 0 },
];
const ask = { costs, open: [true, true], now: 0, random: 0.5 };

function state(current: number, ...success: readonly number[]): TierState {
  return { current, tiers: success.map((share) => ({ success: share, triedAt: 0 })), bytes: 0 };
}

const cases: readonly (readonly [
  what: string,
  state: TierState,
  question: Partial<typeof ask>,
  tier: number | undefined,
  canary?: boolean,
])[] = [
  ["chooseTier begins with the cheapest tier", createTierState(2, 0), {}, 0],
  ["chooseTier keeps the cheapest tier at a success rate of at least the floor", state(0, 0.5, 1), {}, 0],
  ["chooseTier switches to the next tier below the floor", state(0, 0.49, 1), {}, 1],
  [
    "chooseTier keeps the expensive tier while the cheaper one is just above the floor",
    state(1, 0.55, 1),
    {},
    1,
  ],
  ["chooseTier returns to the cheaper tier a fifth above the floor", state(1, 0.6, 1), {}, 0],
  [
    "chooseTier uses the tier with the highest success rate if all are below the floor",
    state(0, 0.1, 0.3),
    {},
    1,
  ],
  [
    "chooseTier uses the cheap tier if it has the highest success rate below the floor",
    state(1, 0.3, 0.1),
    {},
    0,
  ],
  [
    "chooseTier keeps the current tier if another one is only a little cheaper",
    state(1, 0.7, 1),
    {
      costs: [
        { perRequest: 6, perGb: 0 },
        { perRequest: 10, perGb: 0 },
      ],
    },
    1,
  ],
  [
    "chooseTier uses the tier that is cheaper per success, even if its requests cost more",
    state(0, 0.5, 1),
    {
      costs: [
        { perRequest: 8, perGb: 0 },
        { perRequest: 10, perGb: 0 },
      ],
    },
    1,
  ],
  ["chooseTier occasionally tries the cheaper tier", state(1, 0.1, 1), { random: 0.019 }, 0, true],
  [
    "chooseTier does not try the cheaper tier more often than canaryRate",
    state(1, 0.1, 1),
    { random: 0.02 },
    1,
  ],
  [
    "chooseTier tries the cheaper tier at least every five minutes",
    state(1, 0.1, 1),
    { now: 300_000 },
    0,
    true,
  ],
  ["chooseTier does not use a tier with an exhausted budget", state(1, 0.1, 1), { open: [true, false] }, 0],
  [
    "chooseTier does not try a tier with an exhausted budget",
    state(1, 0.1, 1),
    { open: [false, true], random: 0 },
    1,
  ],
  [
    "chooseTier returns undefined if every budget is exhausted",
    state(0, 1, 1),
    { open: [false, false] },
    undefined,
  ],
];

for (const [what, given, question, tier, canary = false] of cases) {
  test(what, () => {
    const choice = chooseTier(tierDefaults, given, { ...ask, ...question });

    assert.equal(choice?.tier, tier);
    assert.equal(choice?.canary ?? false, canary);
  });
}

test("costPerSuccess counts requests and bytes", () => {
  assert.equal(costPerSuccess({ perRequest: 0.001, perGb: 5 }, 0.5, 1e6), 0.012);
});

test("chooseTier does not treat an untried tier with a price per GB as free", () => {
  const prices = [costs[0], { perRequest: 0, perGb: 50_000 }];

  assert.equal(chooseTier(tierDefaults, createTierState(2, 0), { ...ask, costs: prices })?.tier, 0);
});

test("recordTierRequest learns the size of pages from successes only", () => {
  const after = (good: boolean) =>
    recordTierRequest(tierDefaults, state(0, 1, 1), { tier: 0, good, bytes: 1_000 }).bytes;

  assert.deepEqual([after(true), after(false)], [100, 0]);
});

test("chooseTier sends a few percent of the requests to a dead tier", () => {
  const random = seededRandom(7);
  let now = createTierState(2, 0);
  const used = [0, 0];
  for (let request = 0; request < 2_000; request += 1) {
    const choice = chooseTier(tierDefaults, now, { ...ask, now: request, random: random() });
    assert.ok(choice !== undefined);
    used[choice.tier] = (used[choice.tier] ?? 0) + 1;
    now = recordTierRequest(tierDefaults, choice.state, {
      tier: choice.tier,
      good: choice.tier === 1,
      bytes: 0,
    });
  }

  assert.ok((used[0] ?? 0) > 20 && (used[0] ?? 0) < 80, `${used[0]} of 2000 went to the dead tier`);
});

test("chooseTier returns to the cheap tier when it has recovered", () => {
  const random = seededRandom(7);
  let now = state(1, 0.05, 1);
  let requests = 0;
  for (; now.current === 1 && requests < 5_000; requests += 1) {
    const choice = chooseTier(tierDefaults, now, { ...ask, now: requests, random: random() });
    assert.ok(choice !== undefined);
    now = recordTierRequest(tierDefaults, choice.state, { tier: choice.tier, good: true, bytes: 0 });
  }

  assert.ok(requests < 2_000, `${requests} requests`);
});

test("chooseTier returns an open tier, and success rates stay between 0 and 1, for any sequence", () => {
  const step = fc.record({
    good: fc.boolean(),
    open: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
    random: fc.double({ min: 0, max: 0.999, noNaN: true }),
    bytes: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      let now = createTierState(3, 0);
      for (const [index, { good, open, random, bytes }] of steps.entries()) {
        const choice = chooseTier(tierDefaults, now, {
          costs: [...costs, { perRequest: 0, perGb: 9 }],
          open,
          now: index * 10_000,
          random,
        });
        assert.equal(choice === undefined, !open.includes(true));
        if (choice === undefined) continue;
        assert.equal(open[choice.tier], true);
        now = recordTierRequest(tierDefaults, choice.state, { tier: choice.tier, good, bytes });
        for (const { success } of now.tiers) assert.ok(success >= 0 && success <= 1);
      }
    }),
  );
});
