import { countNewAttempts, type JobOutcome } from "../ledger/ledger.ts";
import type { PlanCounts, StateCounts } from "../ledger/list-reading.ts";
import type { RunTotals } from "../ledger/report.ts";

/** Returns the totals with a batch of planned lines added. */
export function countPlanned(totals: RunTotals, counts: PlanCounts): RunTotals {
  const { added, duplicates, invalid, restored } = counts;
  const after = {
    ...totals,
    lines: totals.lines + added + duplicates + invalid,
    waiting: totals.waiting + added,
    skipped: totals.skipped + duplicates,
    failed: totals.failed + invalid,
  };
  return restored === undefined ? after : countRestored(after, restored);
}

function countRestored(totals: RunTotals, restored: StateCounts): RunTotals {
  const { done, failed, skipped, unknown, waiting } = restored;
  const lines = done + failed + skipped + unknown + waiting;
  return {
    ...totals,
    lines: totals.lines + lines,
    removed: totals.removed - lines,
    done: totals.done + done,
    failed: totals.failed + failed,
    skipped: totals.skipped + skipped,
    unknown: totals.unknown + unknown,
    waiting: totals.waiting + waiting,
  };
}

/** Returns the totals with a row moved from the count of its old state to the count of its new state. The sum stays the same. */
export function countOutcome(totals: RunTotals, { lease, state, exchange }: JobOutcome): RunTotals {
  const from = lease.from === "failed" ? "failed" : "waiting";
  const to = state.at === "deferred" ? "waiting" : state.at;
  const remaining = { ...totals, [from]: totals[from] - 1 };
  return {
    ...remaining,
    [to]: remaining[to] + 1,
    attempts: totals.attempts + countNewAttempts(exchange),
    bytes: totals.bytes + (state.at === "deferred" ? 0 : (exchange?.bytes ?? 0)),
  };
}
