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
  ["the cheapest goes first", createTierState(2, 0), {}, 0],
  ["and stays while it succeeds often enough", state(0, 0.5, 1), {}, 0],
  ["below the floor the next takes over", state(0, 0.49, 1), {}, 1],
  ["back at the floor is not enough to come down again", state(1, 0.55, 1), {}, 1],
  ["a fifth above it is", state(1, 0.6, 1), {}, 0],
  ["where none is good enough, the one that does best", state(0, 0.1, 0.3), {}, 1],
  ["where that is the cheap one, the cheap one", state(1, 0.3, 0.1), {}, 0],
  [
    "a little cheaper is not worth the move",
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
    "one that is cheaper for each success wins, though each request costs more",
    state(0, 0.5, 1),
    {
      costs: [
        { perRequest: 8, perGb: 0 },
        { perRequest: 10, perGb: 0 },
      ],
    },
    1,
  ],
  ["now and then the cheaper one is tried", state(1, 0.1, 1), { random: 0.019 }, 0, true],
  ["but no more often", state(1, 0.1, 1), { random: 0.02 }, 1],
  ["at least every five minutes", state(1, 0.1, 1), { now: 300_000 }, 0, true],
  ["a tier whose budget is spent is not used", state(1, 0.1, 1), { open: [true, false] }, 0],
  ["nor tried", state(1, 0.1, 1), { open: [false, true], random: 0 }, 1],
  ["none that is open, none", state(0, 1, 1), { open: [false, false] }, undefined],
];

for (const [what, given, question, tier, canary = false] of cases) {
  test(what, () => {
    const choice = chooseTier(tierDefaults, given, { ...ask, ...question });

    assert.equal(choice?.tier, tier);
    assert.equal(choice?.canary ?? false, canary);
  });
}

test("bytes count as well as requests", () => {
  assert.equal(costPerSuccess({ perRequest: 0.001, perGb: 5 }, 0.5, 1e6), 0.012);
});

test("a tier that is paid by the byte is not taken for free before it was tried", () => {
  const prices = [costs[0], { perRequest: 0, perGb: 50_000 }];

  assert.equal(chooseTier(tierDefaults, createTierState(2, 0), { ...ask, costs: prices })?.tier, 0);
});

test("the size of a host's pages is learned from those that were a success", () => {
  const after = (good: boolean) =>
    recordTierRequest(tierDefaults, state(0, 1, 1), { tier: 0, good, bytes: 1_000 }).bytes;

  assert.deepEqual([after(true), after(false)], [100, 0]);
});

test("a dead tier is left after a handful of requests, and costs a few percent from then on", () => {
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

test("the cheap tier is used again when it has recovered", () => {
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

test("whatever happened, an open tier is chosen, and success stays a share", () => {
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
