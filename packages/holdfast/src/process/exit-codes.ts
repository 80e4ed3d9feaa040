import { HoldfastError } from "@holdfast/policy";
import type { Verdict } from "@holdfast/http";
import type { RunReport } from "@holdfast/runner";
import { UsageError } from "./usage-error.ts";

/** What the program's exit status means; all but `internal` and `usage` are resumed by the same command. */
export const exitCodes = {
  done: 0,
  internal: 1,
  usage: 2,
  rejected: 3,
  retryable: 4,
  ledger: 7,
  noProxy: 8,
  drained: 130,
  aborted: 131,
} as const;

/** Gives the exit status of a run: an interruption first, then whatever running it again may still improve. */
export function exitCodeOfRun(report: RunReport): number {
  if (report.status === "aborted") return exitCodes.aborted;
  if (report.status === "drained") return exitCodes.drained;
  if (report.status === "no-proxy") return exitCodes.noProxy;
  if (report.waiting > 0 || report.reasons.some(({ retryable }) => retryable)) return exitCodes.retryable;
  return report.failed + report.unknown > 0 ? exitCodes.rejected : exitCodes.done;
}

/** Gives the exit status for a single exchange: 4 where a later retry might fix it, 3 where it won't. */
export function exitCodeOfVerdict(kind: Verdict["kind"]): number {
  switch (kind) {
    case "success":
      return exitCodes.done;
    case "transient":
    case "throttled":
      return exitCodes.retryable;
    case "blocked":
    case "rejected":
      return exitCodes.rejected;
  }
}

/** Errors that no exchange has, and so no verdict says more of. */
const codesOfErrors: Readonly<Record<string, number>> = {
  ERR_LEDGER: exitCodes.ledger,
  ERR_NO_PROXY: exitCodes.noProxy,
  ERR_DIGEST: exitCodes.rejected,
  ERR_DISK_FULL: exitCodes.rejected,
  ERR_FILE_ACCESS: exitCodes.rejected,
  ERR_FILE_BUSY: exitCodes.retryable,
};

/** Gives the exit status for an error that ended the program. */
export function exitCodeOfError(error: unknown): number {
  if (error instanceof UsageError) return exitCodes.usage;
  if (!(error instanceof HoldfastError)) return exitCodes.internal;
  const own = codesOfErrors[error.code];
  if (own !== undefined) return own;
  const kind = "verdict" in error ? verdictKind(error.verdict) : undefined;
  return kind === undefined ? exitCodes.internal : exitCodeOfVerdict(kind);
}

const kinds: readonly Verdict["kind"][] = ["success", "transient", "throttled", "blocked", "rejected"];

function verdictKind(verdict: unknown): Verdict["kind"] | undefined {
  return typeof verdict === "object" && verdict !== null && "kind" in verdict
    ? kinds.find((kind) => kind === verdict.kind)
    : undefined;
}
