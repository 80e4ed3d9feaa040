import { existsSync } from "node:fs";
import { access, constants, stat } from "node:fs/promises";
import { join } from "node:path";
import type { SourceKind } from "./program-state.ts";
import { UsageError } from "../process/usage-error.ts";

/** Where the lines of a run come from. `ledger` continues the run in the directory without reading a list. */
export type ListSource =
  | { readonly from: "file"; readonly path: string }
  | { readonly from: "stdin" }
  | { readonly from: "urls"; readonly urls: readonly string[] }
  | { readonly from: "ledger" };

/** What decides where the lines come from when the command line does not say it. */
interface DefaultSource {
  readonly stdinIsTerminal: boolean;
  /** Where the lines of the run came from before; undefined for a new run. */
  readonly lastSource: SourceKind | undefined;
}

/**
 * Reads the positional arguments of `run`: URLs, one file, or `-` for standard input.
 *
 * @throws UsageError for several files, and for files mixed with URLs: their line numbers would be ambiguous.
 */
export function parseListSource(
  positionals: readonly string[],
  { stdinIsTerminal, lastSource }: DefaultSource,
): ListSource {
  const [first, ...more] = positionals;
  if (first === undefined)
    return stdinIsTerminal || (lastSource ?? "stdin") !== "stdin" ? { from: "ledger" } : { from: "stdin" };
  const urls = positionals.filter(looksLikeUrl);
  if (urls.length === positionals.length) return { from: "urls", urls };
  if (more.length > 0)
    throw new UsageError(
      `expected one list (a file, or - for standard input) or URLs, got ${positionals.map((text) => JSON.stringify(text)).join(" and ")}`,
    );
  return first === "-" ? { from: "stdin" } : { from: "file", path: first };
}

function looksLikeUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
}

/**
 * Checks that a file can be read, before anything is created.
 *
 * @throws UsageError with the reason.
 */
export async function checkReadable(path: string): Promise<void> {
  try {
    if ((await stat(path)).isDirectory()) throw new UsageError(`cannot read ${path}: it is a directory`);
    await access(path, constants.R_OK);
  } catch (error) {
    throw error instanceof UsageError
      ? error
      : new UsageError(`cannot read ${path}: ${describeReadError(error)}`);
  }
}

function describeReadError(error: unknown): string {
  if (!(error instanceof Error) || !("code" in error)) return String(error);
  return error.code === "ENOENT"
    ? "no such file"
    : error.code === "EACCES"
      ? "permission denied"
      : error.message;
}

/** Returns whether a directory contains a run, finished or not. */
export function containsRun(directory: string): boolean {
  return existsSync(join(directory, "ledger.db"));
}

/**
 * Returns the one run directory of a command line.
 *
 * @throws UsageError when there is no directory, more than one, or one without a run.
 */
export function parseRunDirectory(positionals: readonly string[]): string {
  const [directory, ...more] = positionals;
  if (directory === undefined || more.length > 0)
    throw new UsageError(`expected one run directory, got ${positionals.length}`);
  if (!containsRun(directory)) throw new UsageError(`${directory} does not contain a run`);
  return directory;
}
