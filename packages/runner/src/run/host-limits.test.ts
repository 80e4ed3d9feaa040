import assert from "node:assert/strict";
import { test } from "node:test";
import { hostRules } from "./host-limits.ts";

const giveUp = 1_000;

test("the rule of a host has its own limits in place of the general ones", () => {
  const ruleOf = hostRules({
    perHost: 8,
    rate: 5,
    giveUp,
    hostRules: { "API.example.com": { rate: 2, perHost: 1 }, "b.example": { delay: "1s" }, "c.example": {} },
  });

  assert.deepEqual(["a.example", "api.example.com", "b.example", "c.example"].map(ruleOf), [
    { perHost: 8, interval: 200, giveUp },
    { perHost: 1, interval: 500, giveUp },
    { perHost: 8, interval: 1_000, giveUp },
    { perHost: 8, interval: 200, giveUp },
  ]);
});

test("the longer of rate and delay holds", () => {
  assert.equal(hostRules({ perHost: 8, rate: 5, delay: "1s", giveUp })("a").interval, 1_000);
});

test("a wrong limit is an error that names it", () => {
  const rows: readonly (readonly [object, string])[] = [
    [{ rate: 0 }, "rate must be a number above 0, got 0"],
    [{ perHost: 1.5 }, "perHost must be an integer of at least 1, got 1.5"],
    [{ hostRules: { a: { rate: -1 } } }, 'hostRules["a"].rate must be a number above 0, got -1'],
    [
      { hostRules: { a: { pace: 1 } } },
      'hostRules["a"].pace is not a limit of a host: it has perHost, rate, delay',
    ],
  ];

  for (const [limits, message] of rows)
    assert.throws(() => hostRules({ perHost: 8, giveUp, ...limits }), { message });
});
