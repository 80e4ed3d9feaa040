import { resolve } from "node:path";
import type { Lines } from "@holdfast/runner";
import type { ListSource } from "../command-line/list-source.ts";
import type { Io } from "../process/io.ts";
import { printable } from "../process/printable.ts";
import { UsageError } from "../process/usage-error.ts";
import type { RunSettings } from "./run-flags.ts";
import type { RunFolder } from "./run-folder.ts";

/**
 * Opens the lists of a run before anything is created: the lines of the command line, and the files that the run has read
 * before. A file of an earlier command that is gone is not needed: its lines are in the folder.
 *
 * @throws UsageError for a list of another path, unless the command says what to do with it; ListError for a list of the
 *   command line that cannot be read.
 */
export async function openLists(
  { source, otherList, quiet }: RunSettings,
  { directory, ledger }: RunFolder,
  io: Io,
): Promise<readonly Lines[]> {
  const known = ledger?.lists() ?? [];
  const given = await openGiven(source, io);
  if (otherList === "refuse") checkIsKnown(given?.path, { directory, known });
  const path = source.from === "file" ? resolve(source.path) : undefined;
  // Only lines of files can be removed, and only by the file itself.
  const others = otherList === "replace" ? [] : known.filter((list) => list !== path);
  const opened = await Promise.all(others.map((list) => openKnown(list, quiet ? undefined : io)));
  const files = opened.filter((lines) => lines !== undefined);
  if (given === undefined) return files;
  return source.from === "file" ? [given, ...files] : [...files, given];
}

function checkIsKnown(
  path: string | undefined,
  { directory, known }: { readonly directory: string; readonly known: readonly string[] },
): void {
  if (path === undefined || known.length === 0 || known.includes(path)) return;
  throw new UsageError(
    `the run in ${directory} has the list ${known.join(" and ")}: add --add to fetch ${path} as well, or --replace-list if it takes its place`,
  );
}

async function openGiven(source: ListSource, io: Io): Promise<Lines | undefined> {
  if (source.from === "ledger") return undefined;
  const { readLines } = await import("@holdfast/runner");
  if (source.from === "stdin") return readLines(io.stdin);
  if (source.from === "urls") return readLines(source.urls.map((url) => `${url}\n`));
  const lines = readLines(source.path);
  await lines.open();
  return lines;
}

/** Opens a list of an earlier command; undefined if it cannot be read any more. */
async function openKnown(path: string, io: Io | undefined): Promise<Lines | undefined> {
  const { readLines } = await import("@holdfast/runner");
  const lines = readLines(path);
  try {
    await lines.open();
    return lines;
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "ERR_LIST") throw error;
    io?.stderr.write(`${printable(error.message, 500)}: continuing with the lines that were read before\n`);
    return undefined;
  }
}
