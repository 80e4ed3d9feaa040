import { ownValue } from "@holdfast/policy/internal";
import { HoldfastError } from "@holdfast/policy";
import type { Verdict } from "@holdfast/http";
import type { RunReport } from "@holdfast/runner";
import { UsageError } from "./usage-error.ts";

/** The exit codes of the program. After all but `internal` and `usage`, the same command continues a run. */
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

/** Returns the exit code of a run: how it was interrupted, or else whether running it again may help. */
export function exitCodeOfRun(report: RunReport): number {
  if (report.status === "aborted") return exitCodes.aborted;
  if (report.status === "drained") return exitCodes.drained;
  if (report.status === "no-proxy") return exitCodes.noProxy;
  if (report.waiting > 0 || report.reasons.some(({ retryable }) => retryable)) return exitCodes.retryable;
  return report.failed + report.unknown > 0 ? exitCodes.rejected : exitCodes.done;
}

/** Returns the exit code of one request: 4 where a later retry may succeed, 3 where it will not. */
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

/** The exit codes of errors without a verdict, and of errors with a code that is more precise than their verdict. */
const exitCodesByErrorCode: Readonly<Record<string, number>> = {
  ERR_LEDGER: exitCodes.ledger,
  ERR_NO_PROXY: exitCodes.noProxy,
  ERR_DIGEST: exitCodes.rejected,
  ERR_DISK_FULL: exitCodes.rejected,
  ERR_FILE_ACCESS: exitCodes.rejected,
  ERR_FILE_BUSY: exitCodes.retryable,
  ERR_LIST: exitCodes.usage,
};

/** Returns the exit code for an error that ended the program. */
export function exitCodeOfError(error: unknown): number {
  if (error instanceof UsageError) return exitCodes.usage;
  if (!(error instanceof HoldfastError)) return exitCodes.internal;
  const byCode = ownValue(exitCodesByErrorCode, error.code);
  if (byCode !== undefined) return byCode;
  const kind = "verdict" in error ? findVerdictKind(error.verdict) : undefined;
  return kind === undefined ? exitCodes.internal : exitCodeOfVerdict(kind);
}

const verdictKinds: readonly Verdict["kind"][] = ["success", "transient", "throttled", "blocked", "rejected"];

function findVerdictKind(verdict: unknown): Verdict["kind"] | undefined {
  return typeof verdict === "object" && verdict !== null && "kind" in verdict
    ? verdictKinds.find((kind) => kind === verdict.kind)
    : undefined;
}
