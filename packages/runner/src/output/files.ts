import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileName } from "./file-name.ts";
import type { LineResult } from "../ledger/result.ts";

/** The number and total size of the files that `writeFiles` wrote. */
export interface WrittenFiles {
  readonly files: number;
  readonly bytes: number;
}

/**
 * Writes the body of every done result to its own file, in one folder per host. The name begins with the row number, so
 * that names are unique. A file is written under a temporary name and then renamed, and replaces an older file.
 *
 * @throws LedgerError when a stored body is damaged; errors of the file system are thrown unchanged.
 */
export function writeFiles(results: Iterable<LineResult>, directory: string): WrittenFiles {
  let files = 0;
  let bytes = 0;
  for (const result of results) {
    if (result.state !== "done" || result.body === undefined) continue;
    writeFile(directory, fileName(result), result.body);
    files += 1;
    bytes += result.body.length;
  }
  return { files, bytes };
}

function writeFile(
  directory: string,
  { folder, name }: { readonly folder: string; readonly name: string },
  body: Uint8Array,
): void {
  const path = join(directory, folder);
  mkdirSync(path, { recursive: true });
  const part = join(path, `${name}.part`);
  writeFileSync(part, body);
  renameSync(part, join(path, name));
}
