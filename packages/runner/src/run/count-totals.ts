import type { JobOutcome, PlanCounts } from "../ledger/ledger.ts";
import type { RunTotals } from "../ledger/report.ts";

/** Adds planned lines to the counts. */
export function countPlanned(totals: RunTotals, planned: PlanCounts): RunTotals {
  const { added, duplicates, invalid } = planned;
  return {
    ...totals,
    lines: totals.lines + added + duplicates + invalid,
    waiting: totals.waiting + added,
    skipped: totals.skipped + duplicates,
    failed: totals.failed + invalid,
  };
}

/** Moves a row from the count it was in to the one it is in now; the sum stays. */
export function countOutcome(totals: RunTotals, { lease, state, exchange }: JobOutcome): RunTotals {
  const from = lease.from === "failed" ? "failed" : "waiting";
  const to = state.at === "deferred" ? "waiting" : state.at;
  const left = { ...totals, [from]: totals[from] - 1 };
  return {
    ...left,
    [to]: left[to] + 1,
    attempts: totals.attempts + (exchange?.attempts.length ?? 0),
    bytes: totals.bytes + (state.at === "deferred" ? 0 : (exchange?.bytes ?? 0)),
  };
}
