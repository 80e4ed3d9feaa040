import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../process/usage-error.ts";

/** Where the lines of a run come from; `rest` is a run that only goes on with what its directory holds. */
export type ListSource =
  | { readonly from: "file"; readonly path: string }
  | { readonly from: "stdin" }
  | { readonly from: "urls"; readonly urls: readonly string[] }
  | { readonly from: "rest" };

/**
 * Decides from the command line where the lines come from: URLs, one file, or standard input.
 *
 * @throws UsageError when files and URLs are mixed (their line numbers would be ambiguous), or there is more than one file.
 */
export function parseListSource(positionals: readonly string[], stdinIsTerminal: boolean): ListSource {
  const [first, ...more] = positionals;
  if (first === undefined) return stdinIsTerminal ? { from: "rest" } : { from: "stdin" };
  const urls = positionals.filter(looksLikeUrl);
  if (urls.length === positionals.length) return { from: "urls", urls };
  if (more.length > 0)
    throw new UsageError(
      `give one list (a file, or - for standard input) or some URLs, got ${positionals.map((text) => JSON.stringify(text)).join(" and ")}`,
    );
  return first === "-" ? { from: "stdin" } : { from: "file", path: first };
}

function looksLikeUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
}

/**
 * Checks that the file of a list can be read, so that a misspelt name ends before anything is created.
 *
 * @throws UsageError that says what is wrong with the file.
 */
export async function checkReadable(path: string): Promise<void> {
  const found = await stat(path).catch((error: unknown) => {
    throw new UsageError(`cannot read ${path}: ${reasonOf(error)}`);
  });
  if (found.isDirectory()) throw new UsageError(`cannot read ${path}: it is a directory`);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error) || !("code" in error)) return String(error);
  return error.code === "ENOENT"
    ? "no such file"
    : error.code === "EACCES"
      ? "permission denied"
      : error.message;
}

/** Tells whether a directory holds a run, finished or not. */
export function holdsRun(directory: string): boolean {
  return existsSync(join(directory, "ledger.db"));
}

/**
 * Gives the one directory that a command was told, which must hold a run.
 *
 * @throws UsageError when it is missing, not alone, or holds none.
 */
export function parseRunDirectory(positionals: readonly string[]): string {
  const [directory, ...more] = positionals;
  if (directory === undefined || more.length > 0) {
    throw new UsageError(`give the directory of one run, got ${positionals.length}`);
  }
  if (!holdsRun(directory)) throw new UsageError(`there is no run in ${directory}`);
  return directory;
}
