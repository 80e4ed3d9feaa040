import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { JobLease, JobOutcome } from "../ledger/ledger.ts";
import type { RunTotals } from "../ledger/report.ts";
import type { OutcomeState } from "../ledger/state.ts";
import { countOutcome, countPlanned } from "./count-totals.ts";

const zeroTotals: RunTotals = {
  lines: 0,
  removed: 0,
  done: 0,
  failed: 0,
  skipped: 0,
  unknown: 0,
  waiting: 0,
  attempts: 0,
  bytes: 0,
};

function outcome(from: JobLease["from"], state: OutcomeState): JobOutcome {
  const lease: JobLease = {
    job: { id: 1, line: 1, method: "GET", url: "http://a/" },
    host: 1,
    from,
    deferrals: 0,
  };
  return { lease, state, advice: "", at: 0, exchange: { attempts: [1, 2], bytes: 7, elapsed: 1 } };
}

describe("run totals", () => {
  it("move a row from its old count to its new count", () => {
    const totals = { ...zeroTotals, lines: 2, waiting: 1, failed: 1 };

    const after = countOutcome(
      countOutcome(totals, outcome("failed", { at: "done" })),
      outcome("pending", { at: "failed", reason: "x", retryable: true }),
    );

    assert.deepEqual(after, { ...zeroTotals, lines: 2, done: 1, failed: 1, attempts: 4, bytes: 14 });
  });

  it("add up after any sequence of changes", () => {
    const states: readonly OutcomeState[] = [
      { at: "done" },
      { at: "failed", reason: "x", retryable: true },
      { at: "deferred", until: 1, deferrals: 1, reason: "x" },
      { at: "unknown", reason: "x" },
    ];
    const step = fc.oneof(
      fc.record({ added: fc.nat(9), known: fc.nat(9), duplicates: fc.nat(9), invalid: fc.nat(9) }),
      fc.tuple(fc.constantFrom("pending", "failed", "deferred" as const), fc.constantFrom(...states)),
    );
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const end = steps.reduce<RunTotals>(
          (totals, each) =>
            "added" in each ? countPlanned(totals, each) : countOutcome(totals, outcome(each[0], each[1])),
          zeroTotals,
        );

        assert.equal(end.lines, end.done + end.failed + end.skipped + end.unknown + end.waiting);
      }),
    );
  });
});
