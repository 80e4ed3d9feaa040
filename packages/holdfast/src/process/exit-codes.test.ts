import assert from "node:assert/strict";
import { test } from "node:test";
import { DeadlineExceededError, HoldfastError } from "@holdfast/policy";
import type { RunReport } from "@holdfast/runner";
import { exitCodeOfError, exitCodeOfRun, exitCodeOfVerdict } from "./exit-codes.ts";
import { UsageError } from "./usage-error.ts";

const complete: RunReport = {
  lines: 9,
  removed: 0,
  done: 9,
  failed: 0,
  skipped: 0,
  unknown: 0,
  waiting: 0,
  attempts: 9,
  bytes: 0,
  elapsed: 0,
  reasons: [],
  status: "complete",
};
const failed = { state: "failed", reason: "http-404", advice: "", count: 1, samples: [] } as const;

class CodedError extends HoldfastError {
  readonly code: string;
  readonly verdict: unknown;

  constructor(code: string, verdict?: unknown) {
    super(code);
    this.code = code;
    this.verdict = verdict;
  }
}

test("the exit code of a run says whether running it again may help", () => {
  const rows: readonly (readonly [Partial<RunReport>, number])[] = [
    [{}, 0],
    [{ done: 7, skipped: 2 }, 0],
    [{ done: 8, failed: 1, reasons: [{ ...failed, retryable: false }] }, 3],
    [{ done: 8, unknown: 1 }, 3],
    [{ done: 8, failed: 1, reasons: [{ ...failed, retryable: true }] }, 4],
    [{ done: 7, failed: 1, waiting: 1, reasons: [{ ...failed, retryable: false }] }, 4],
    [{ done: 8, waiting: 1, status: "drained" }, 130],
    [{ status: "drained" }, 130],
    [{ done: 8, waiting: 1, status: "aborted" }, 131],
    [{ done: 8, waiting: 1, status: "no-proxy" }, 8],
  ];

  for (const [changes, code] of rows)
    assert.equal(exitCodeOfRun({ ...complete, ...changes }), code, JSON.stringify(changes));
});

test("the exit code of a request says whether a later retry may succeed", () => {
  const rows = [
    ["success", 0],
    ["transient", 4],
    ["throttled", 4],
    ["blocked", 3],
    ["rejected", 3],
  ] as const;

  for (const [kind, code] of rows) assert.equal(exitCodeOfVerdict(kind), code);
});

test("the exit code of an error follows its kind, and is 1 for a bug", () => {
  const rows: readonly (readonly [unknown, number])[] = [
    [new UsageError("x"), 2],
    [new CodedError("ERR_LEDGER"), 7],
    [new CodedError("ERR_NO_PROXY", { kind: "blocked" }), 8],
    [new CodedError("ERR_CONNECTION", { kind: "transient" }), 4],
    [new CodedError("ERR_TLS", { kind: "rejected" }), 3],
    [new CodedError("ERR_ODD", { kind: "odd" }), 1],
    [new DeadlineExceededError(1), 1],
    [new TypeError("x"), 1],
    [undefined, 1],
  ];

  for (const [error, code] of rows) assert.equal(exitCodeOfError(error), code);
});
