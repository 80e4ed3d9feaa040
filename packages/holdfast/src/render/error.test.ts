import assert from "node:assert/strict";
import { test } from "node:test";
import { DeadlineExceededError, HoldfastError } from "@holdfast/policy";
import { UsageError } from "../process/usage-error.ts";
import { renderError } from "./error.ts";
import { plainText } from "./style.ts";

class AdvisedError extends HoldfastError {
  readonly code = "ERR_ADVISED";
  readonly verdict: object = { kind: "rejected", reason: "tls", advice: "Renew the certificate" };
}

const full = Object.assign(new Error("ENOSPC: no space left on device, write"), {
  code: "ENOSPC",
  syscall: "write",
});

test("renderError writes the message and the advice, without a stack", () => {
  const rows: readonly (readonly [unknown, string | undefined, string])[] = [
    [
      new UsageError("unknown option --x"),
      "run",
      "holdfast run: unknown option --x\n  See holdfast run --help\n",
    ],
    [new UsageError("unknown command x"), undefined, "holdfast: unknown command x\n  See holdfast --help\n"],
    [
      new AdvisedError("Certificate has expired"),
      "get",
      "holdfast get: Certificate has expired\n  Renew the certificate\n",
    ],
    [new DeadlineExceededError(100), "get", "holdfast get: The call did not finish within 100 ms\n"],
    [full, "export", "holdfast export: ENOSPC: no space left on device, write\n"],
    [
      new TypeError("x is not a function"),
      "run",
      "holdfast run: internal error: TypeError: x is not a function\n  Set HOLDFAST_DEBUG=1 to see the stack and the causes\n",
    ],
    [
      "text",
      undefined,
      "holdfast: internal error: text\n  Set HOLDFAST_DEBUG=1 to see the stack and the causes\n",
    ],
    [new UsageError("\u001b[2J"), "run", "holdfast run: \\u{1b}[2J\n  See holdfast run --help\n"],
  ];

  for (const [error, command, text] of rows)
    assert.equal(renderError(error, { command, debug: false, style: plainText }), text);
});

test("renderError adds the stack and the causes for debugging", () => {
  const text = renderError(new DeadlineExceededError(100, { cause: new Error("the first") }), {
    command: "get",
    debug: true,
    style: plainText,
  });

  assert.match(
    text,
    /^holdfast get: The call did not finish within 100 ms\n[^]*\n +at .*error\.test\.ts[^]*the first/,
  );
});
