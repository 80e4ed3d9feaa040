import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { OutcomeState, JobOutcome, RunTotals } from "@holdfast/runner";
import { foldProgress, perSecond, startProgress, timeLeft } from "./progress.ts";
import type { Progress, ProgressInput } from "./progress.ts";

const job = { id: 1, line: 1, method: "GET", url: "https://example.com/" };
const totals: RunTotals = {
  lines: 300,
  removed: 0,
  done: 100,
  failed: 1,
  skipped: 0,
  unknown: 0,
  waiting: 199,
  attempts: 120,
  bytes: 5,
};

function outcome(state: OutcomeState): JobOutcome {
  return { lease: { job, host: 1, from: "pending", deferrals: 0 }, state, advice: "", at: 0 };
}

function fold(inputs: readonly ProgressInput[]): Progress {
  return inputs.reduce(foldProgress, startProgress(0, 1_000_000));
}

function tick(now: number): ProgressInput {
  return { type: "tick", now, date: 1_000_000 + now };
}

function finished(count: number): readonly ProgressInput[] {
  return Array.from({ length: count }, () => ({ type: "finished", job, outcome: outcome({ at: "done" }) }));
}

test("each event changes its own counts only", () => {
  const failed: OutcomeState = { at: "failed", reason: "http-404", retryable: false };
  const rows: readonly { readonly inputs: readonly ProgressInput[]; readonly expected: Partial<Progress> }[] =
    [
      { inputs: [], expected: { inFlight: 0, finished: 0, inputEnded: false, stage: "none" } },
      {
        inputs: [{ type: "planned", added: 5, known: 9, duplicates: 2, invalid: 1, totals }],
        expected: { totals },
      },
      { inputs: [{ type: "input-ended" }], expected: { inputEnded: true } },
      { inputs: [{ type: "interrupted", stage: "drain" }], expected: { stage: "drain" } },
      {
        inputs: [
          { type: "started", job },
          { type: "started", job },
        ],
        expected: { inFlight: 2 },
      },
      { inputs: [{ type: "started", job }, ...finished(1)], expected: { inFlight: 0, finished: 1 } },
      {
        inputs: [{ type: "deferred", job, outcome: outcome({ at: "done" }), until: 5 }],
        expected: { inFlight: 0, finished: 0 },
      },
      { inputs: [{ type: "progress", totals, inFlight: 7 }], expected: { totals, inFlight: 7 } },
      {
        inputs: [{ type: "finished", job, outcome: outcome(failed) }],
        expected: { failures: new Set(["http-404"]) },
      },
      {
        inputs: [{ type: "host-deferred", host: "a", until: 1_000_500, reason: "parked" }, tick(499)],
        expected: { idleHost: { host: "a", until: 1_000_500, by: "host" } },
      },
      {
        inputs: [{ type: "host-deferred", host: "a", until: 1_000_500, reason: "parked" }, tick(500)],
        expected: { idleHost: undefined },
      },
    ];

  for (const { inputs, expected } of rows) {
    const progress = fold(inputs);
    const seen = Object.fromEntries(
      Object.keys(expected).map((key) => [key, progress[key as keyof Progress]]),
    );
    assert.deepEqual(seen, expected);
  }
});

test("the rate is right from the first sample on and follows a change", () => {
  assert.equal(perSecond(fold([])), 0);
  assert.equal(perSecond(fold([...finished(5), tick(100)])), 50);

  const steady = Array.from({ length: 100 }, (_, second) => [
    ...finished(20),
    tick((second + 1) * 1_000),
  ]).flat();
  const stalled = Array.from({ length: 30 }, (_, second) => tick(101_000 + second * 1_000));

  assert.ok(Math.abs(perSecond(fold(steady)) - 20) < 1e-9);
  assert.ok(perSecond(fold([...steady, ...stalled])) < 1.1);
});

test("ticks in quick succession count as one sample", () => {
  const ticks = [...finished(1), tick(10), ...finished(1), tick(20), ...finished(1), tick(100)];

  assert.ok(Math.abs(perSecond(fold(ticks)) - 30) < 1e-9);
});

test("the time left is known when the list is complete and the rate is above 0", () => {
  const moving: readonly ProgressInput[] = [
    { type: "progress", totals, inFlight: 4 },
    ...finished(10),
    tick(1_000),
  ];

  assert.equal(timeLeft(fold(moving)), undefined);
  assert.equal(timeLeft(fold([{ type: "input-ended" }])), undefined);
  assert.ok(Math.abs((timeLeft(fold([...moving, { type: "input-ended" }])) ?? 0) - 19_900) < 1e-6);
});

test("the rate is never negative and never above the fastest sample", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 0, max: 50 })), {
        minLength: 1,
      }),
      (samples) => {
        let now = 0;
        const inputs = samples.flatMap(([passed, count]) => [...finished(count), tick((now += passed + 99))]);
        const fastest = Math.max(...samples.map(([passed, count]) => (count * 1_000) / (passed + 99)));
        const rate = perSecond(fold(inputs));
        return rate >= 0 && rate <= fastest + 1e-6;
      },
    ),
  );
});
