import { mkdirSync, type Stats } from "node:fs";
import { basename, dirname } from "node:path";
import {
  describeKind,
  explainForeign,
  type FileLock,
  Folder,
  lockFile,
  readNewFileMode,
  resolveTypedPath,
} from "@holdfast/http/internal/files";
import { LedgerError } from "../ledger/ledger.ts";

/** The names in the folder of a run. */
export const runFiles = { database: "ledger.db", lock: "lock.db", segments: "segments" } as const;

/** The files that SQLite puts next to a database. */
const companions = ["-wal", "-shm", "-journal"];

/** Permissions of new files and folders in the folder of a run. */
export interface RunModes {
  readonly file: number;
  readonly folder: number;
}

/** The folder of a run. Holds it open, so that its entries stay the same when the path is redirected. */
export interface RunFolder {
  readonly folder: Folder;
  /**
   * The bits for group and others that the folder had from the umask before its run began. The owner did not choose them, so
   * new files do not follow them. Undefined for a folder that the run created, and for one with other permissions.
   */
  readonly defaultBits: number | undefined;
}

/** Opens the folder of a run. Creates it for this user alone if it does not exist. */
export function createRunFolder(directory: string): RunFolder {
  const { path, stats } = resolveTypedPath(directory);
  if (stats === undefined) {
    mkdirSync(dirname(path), { recursive: true });
    const parent = Folder.open(dirname(path));
    try {
      return { folder: parent.createFolder(basename(path), 0o700), defaultBits: undefined };
    } finally {
      parent.close();
    }
  }
  const folder = openFolder(path, stats);
  const bits = folder.stat().mode & 0o077;
  const isDefault = (bits & 0o066) === (readNewFileMode(folder) & 0o066);
  return { folder, defaultBits: isDefault ? bits : undefined };
}

/** Opens the folder of a run that exists. @throws LedgerError if it is missing. */
export function openRunFolder(directory: string): Folder {
  const { path, stats } = resolveTypedPath(directory);
  if (stats === undefined)
    throw new LedgerError(`${directory} does not exist: start a run in it, or name another folder`, path);
  return openFolder(path, stats);
}

function openFolder(path: string, stats: Stats): Folder {
  if (stats.isDirectory()) return Folder.open(path);
  throw new LedgerError(`${path} is ${describeKind(stats)}: name a folder`, path);
}

/** Returns the permissions of new files: those of the folder for group and others, if its owner chose them. */
export function toRunModes(folderMode: number, defaultBits: number | undefined): RunModes {
  const bits = folderMode & 0o077;
  const shared = bits === defaultBits ? 0 : bits;
  return { file: 0o600 | (shared & 0o066), folder: 0o700 | shared };
}

/**
 * Checks the files of a ledger before they are written: each is a regular file of this user with one name. With write
 * access to the folder, another user could have put a link in its place.
 *
 * @throws LedgerError for the first file that is not.
 */
export function checkOwnFiles(folder: Folder): void {
  for (const name of ledgerFiles()) {
    const stats = folder.lstat(name);
    const foreign = stats && explainForeign(stats, (found) => folder.isOwn(found));
    if (foreign !== undefined) throw unusable(folder, name, foreign);
  }
}

/**
 * Checks the files of a ledger before they are read: regular files of this user, of root, or of the owner of the folder.
 *
 * @throws LedgerError for the first file that is not.
 */
export function checkReadableFiles(folder: Folder): void {
  const owners = [0, process.geteuid?.(), folder.stat().uid];
  for (const name of ledgerFiles()) {
    const stats = folder.lstat(name);
    if (stats === undefined) continue;
    if (!stats.isFile()) throw unusable(folder, name, `it is ${describeKind(stats)}`);
    if (!owners.includes(stats.uid))
      throw unusable(folder, name, `it belongs to another user (uid ${stats.uid})`);
  }
}

function ledgerFiles(): readonly string[] {
  return [runFiles.lock, runFiles.database, ...companions.map((suffix) => `${runFiles.database}${suffix}`)];
}

/** Returns the error for an entry of a run's folder that is not used. */
export function unusable(folder: Folder, name: string, why: string): LedgerError {
  const path = `${folder.path}/${name}`;
  return new LedgerError(`${path} is not used: ${why}; remove it, or use another folder`, path);
}

/**
 * Locks the folder of a run for this process. The operating system releases the lock when the process ends, however it ends.
 *
 * @throws LedgerError if another process, or this one, holds the lock.
 */
export function lockRunFolder(folder: Folder, mode: number): FileLock {
  try {
    return lockFile(folder, runFiles.lock, { mode, wait: 250 });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ERR_FILE_BUSY")) throw error;
    throw new LedgerError(
      `${folder.path} is in use by another process: wait for it, or use another folder`,
      folder.path,
      { cause: error },
    );
  }
}
