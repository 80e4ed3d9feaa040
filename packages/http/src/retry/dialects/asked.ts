import { redact } from "@holdfast/policy";
import type { Dialect, Hint, Reply } from "./dialect.ts";

const known = new WeakSet<Dialect>();

/**
 * Asks a dialect. One of the caller's own that throws costs its hint, not the answer: the first time, a warning of the
 * process tells of it (`HOLDFAST_DIALECT`), with where it was thrown.
 */
export function asked(dialect: Dialect, reply: Reply): Hint | undefined {
  try {
    return dialect(reply);
  } catch (error) {
    if (!known.has(dialect)) warn(error);
    known.add(dialect);
    return undefined;
  }
}

function warn(error: unknown): void {
  process.emitWarning(redact(`A dialect threw, and its hint is missing: ${String(error)}`), {
    type: "HoldfastWarning",
    code: "HOLDFAST_DIALECT",
    detail: placesOf(error),
  });
}

/** Without the message, which may quote the answer. */
function placesOf(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  return stack
    .split("\n")
    .filter((line) => line.startsWith("    at "))
    .join("\n");
}
