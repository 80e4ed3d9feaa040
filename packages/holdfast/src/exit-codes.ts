import type { RunReport } from "@holdfast/runner";

/** What the program's exit status means; all but `internal` and `usage` are resumed by the same command. */
export const exitCodes = {
  done: 0,
  internal: 1,
  usage: 2,
  rejected: 3,
  retryable: 4,
  limit: 5,
  tooManyFailures: 6,
  ledger: 7,
  noProxy: 8,
  drained: 130,
  aborted: 131,
} as const;

/** Gives the exit status of a run: an interruption first, then whatever running it again may still improve. */
export function exitCodeOfRun(report: RunReport): number {
  if (report.ended === "aborted") return exitCodes.aborted;
  if (report.ended === "drained") return exitCodes.drained;
  if (report.waiting > 0 || report.reasons.some(({ retryable }) => retryable)) return exitCodes.retryable;
  return report.failed + report.unknown > 0 ? exitCodes.rejected : exitCodes.done;
}
