import { redact } from "@holdfast/policy";

/** What a warning of the process is about. */
export interface WarningInfo {
  /** What happened, and what follows from it: `A dialect threw, and its hint is missing`. */
  readonly what: string;
  /** A code that does not change: `HOLDFAST_DIALECT`. */
  readonly code: string;
}

/** Warns of a function of the caller's that threw where nothing is to end for it, with where it was thrown. */
export function warn({ what, code }: WarningInfo, error: unknown): void {
  process.emitWarning(redact(`${what}: ${String(error)}`), {
    type: "HoldfastWarning",
    code,
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
