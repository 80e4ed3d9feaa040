import { mkdirSync } from "node:fs";
import { describeKind, Folder, resolveTypedPath, writeOutputFile } from "@holdfast/http/internal/files";
import { fileName } from "./file-name.ts";
import type { LineResult } from "../ledger/result.ts";

/** The number and total size of the files that `writeFiles` wrote. */
export interface WrittenFiles {
  readonly files: number;
  readonly bytes: number;
}

/**
 * Writes the body of every done result to its own file, in one folder per host. The name begins with the row number, so
 * that names are unique. A file is written under a random name and then renamed, and replaces an older file. Permissions
 * follow the umask. A link in the place of a file is replaced, and one in the place of a folder is an error.
 *
 * @throws LedgerError when a stored body is damaged; TypeError when the directory is not a folder; FileAccessError,
 * DiskFullError or an error of the file system.
 */
export function writeFiles(results: Iterable<LineResult>, directory: string): WrittenFiles {
  const output = openOutputFolder(directory);
  const hosts = new HostFolders(output);
  let files = 0;
  let bytes = 0;
  try {
    for (const result of results) {
      if (result.state !== "done" || result.body === undefined) continue;
      const { folder, name } = fileName(result);
      writeOutputFile(hosts.open(folder), name, result.body);
      files += 1;
      bytes += result.body.length;
    }
  } finally {
    hosts.close();
    output.close();
  }
  return { files, bytes };
}

function openOutputFolder(directory: string): Folder {
  const { path, stats } = resolveTypedPath(directory);
  if (stats === undefined) mkdirSync(path, { recursive: true });
  else if (!stats.isDirectory()) throw new TypeError(`${path} is ${describeKind(stats)}; name a folder`);
  return Folder.open(path);
}

/** The folders of hosts in the output folder. The last one stays open, because lines of one host often follow each other. */
class HostFolders {
  readonly #output: Folder;
  #last: { readonly name: string; readonly folder: Folder } | undefined;

  constructor(output: Folder) {
    this.#output = output;
  }

  open(name: string): Folder {
    if (this.#last?.name === name) return this.#last.folder;
    this.close();
    if (this.#output.lstat(name) === undefined) this.#output.mkdir(name);
    const folder = this.#output.openFolder(name);
    this.#last = { name, folder };
    return folder;
  }

  close(): void {
    this.#last?.folder.close();
    this.#last = undefined;
  }
}
