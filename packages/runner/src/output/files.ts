import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileName } from "./file-name.ts";
import type { LineResult } from "../ledger/result.ts";

/** What `writeFiles` did. */
export interface WrittenFiles {
  readonly files: number;
  readonly bytes: number;
}

/**
 * Writes the body of every result that is done to a file of its own, in a folder per host; the name begins with the line number, so that none is taken twice.
 * Each file appears whole, by a rename, in place of an older one of its name.
 *
 * @throws LedgerError when a stored body is damaged, and what the file system throws.
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
