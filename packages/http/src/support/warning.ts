import { redact } from "@holdfast/policy";
import { shorten } from "@holdfast/policy/internal";

/** The message and the code of a process warning. */
export interface WarningInfo {
  /** What happened, and its consequence: `A dialect threw, and its hint is missing`. */
  readonly what: string;
  /** A stable code: `HOLDFAST_DIALECT`. */
  readonly code: string;
}

/**
 * Emits a process warning for an error of a user's function that must not end the call. The detail is its stack. A platform
 * without process warnings gets a line on its console.
 */
export function warn({ what, code }: WarningInfo, error: unknown): void {
  const message = shorten(redact(`${what}: ${String(error)}`));
  // oxlint-disable-next-line no-console -- the only place for warnings outside of Node
  if (globalThis.process?.emitWarning === undefined) console.warn(`HoldfastWarning [${code}]: ${message}`);
  else process.emitWarning(message, { type: "HoldfastWarning", code, detail: stackLines(error) });
}

/** Returns the stack without the message, which may quote the response. */
function stackLines(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  return stack
    .split("\n")
    .filter((line) => line.startsWith("    at "))
    .join("\n");
}
