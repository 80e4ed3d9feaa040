import { redact } from "@holdfast/policy";
import { shorten } from "@holdfast/policy/internal";

/** The message and the code of a process warning. */
export interface WarningInfo {
  /** What happened, and its consequence: `A dialect threw, and its hint is missing`. */
  readonly what: string;
  /** A stable code: `HOLDFAST_DIALECT`. */
  readonly code: string;
}

/** Emits a process warning for an error of a user's function that must not end the call. The detail is its stack. */
export function warn({ what, code }: WarningInfo, error: unknown): void {
  process.emitWarning(shorten(redact(`${what}: ${String(error)}`)), {
    type: "HoldfastWarning",
    code,
    detail: stackLines(error),
  });
}

/** Returns the stack without the message, which may quote the response. */
function stackLines(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  return stack
    .split("\n")
    .filter((line) => line.startsWith("    at "))
    .join("\n");
}
