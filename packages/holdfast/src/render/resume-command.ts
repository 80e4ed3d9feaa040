import type { ProgramState } from "../command-line/program-state.ts";
import { findUnstored } from "../command-line/header-sources.ts";
import { printable } from "../process/printable.ts";
import { quoteForShell } from "./report.ts";

/**
 * Formats the command that continues a run: the folder has the list and the options. What it does not have is named: the
 * value of a secret header, for which the command has a variable, and proxies.
 */
export function formatResumeCommand(directory: string, state: ProgramState | undefined): string {
  const headers = findUnstored(state?.headers ?? []).map(
    (name) => `--header-env ${quoteForShell(`${name}=${toVariable(name)}`)}`,
  );
  return [
    "holdfast run -o",
    quoteForShell(printable(directory, 1_000)),
    ...(state?.hasUnstoredProxies === true ? ["--proxies FILE"] : []),
    ...headers,
  ].join(" ");
}

/** Returns what must be done before that command, as one sentence; undefined if nothing must. */
export function explainResume(state: ProgramState | undefined): string | undefined {
  const names = findUnstored(state?.headers ?? []);
  if (names.length === 0) return undefined;
  const variables = names.map(toVariable).join(" and ");
  const [values, are] = names.length === 1 ? ["the value", "is"] : ["the values", "are"];
  return `${values} of ${names.join(" and ")} ${are} not stored: set ${variables} first, or give -H again`;
}

/** Returns the name of an environment variable for a header. */
function toVariable(name: string): string {
  return name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_");
}
