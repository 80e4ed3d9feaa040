import { closeSync, readFileSync, type Stats } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { FileAccessError, FileBusyError } from "../errors/file-errors.ts";
import { type Folder, isSameFile } from "./folder.ts";
import { openDatabase } from "./open-database.ts";
import { createFile, explainForeign, foreignError, privateMode } from "./own-file.ts";
import { hasErrorCode } from "./disk.ts";

/** A held lock. */
export interface FileLock {
  /**
   * Checks that the lock file is still in its place. Without it another process could lock a new one.
   *
   * @throws FileBusyError if the lock file was removed or replaced.
   */
  confirm(): void;
  /** Releases the lock. `"remove"` removes the lock file, too. */
  release(file: "remove" | "keep"): void;
}

/** SQLite's result codes (https://www.sqlite.org/rescode.html). */
const sqlite = { busy: 5, readOnly: 8, cannotOpen: 14, notADatabase: 26 } as const;

/** SQLite opens no longer path, in bytes. */
const maxPathBytes = 510;

// A journal would be a further file with a derived name.
const takeLock = "PRAGMA journal_mode = MEMORY; BEGIN IMMEDIATE";

const maxTries = 20;

/** How a file is locked. */
export interface LockOptions {
  /** Permissions of a new lock file. @default 0o600 */
  readonly mode?: number;
  /** Time to wait for a process that holds the lock, in milliseconds. The event loop waits, too. @default 0 */
  readonly wait?: number;
}

/**
 * Locks a file for this process, across processes and containers that share the folder. The operating system holds the lock,
 * and releases it when the process ends, however it ends. A process that is stopped keeps it.
 *
 * The lock is SQLite's reserved lock on an empty file, because Node offers no other lock of the system. The file must not be
 * opened by other means in this process: closing it would release the lock (POSIX, fcntl).
 *
 * @throws FileBusyError if a process holds the lock; FileAccessError if the lock file is not a file of this user, or its file
 * system has no locks.
 */
export function lockFile(
  folder: Folder,
  name: string,
  { mode = privateMode, wait = 0 }: LockOptions = {},
): FileLock {
  const path = join(folder.path, name);
  if (Buffer.byteLength(path) > maxPathBytes)
    throw new FileAccessError(path, {
      errno: "ENAMETOOLONG",
      what: `its path is longer than ${maxPathBytes} bytes`,
    });
  for (let tries = 0; tries < maxTries; tries += 1) {
    const locked = prepareLockFile(folder, name, mode);
    const tried = tryLock(path, wait);
    // The previous holder may have removed the file that was locked, or could not be.
    if (!isUnchanged(locked, folder.lstat(name))) {
      if ("db" in tried) tried.db.close();
    } else if ("db" in tried) return toLock({ folder, name, locked, db: tried.db });
    // A lock file has no content. Another program, or an older version, wrote this file.
    else if (resultCodeOf(tried.error) === sqlite.notADatabase) folder.unlink(name);
    else throw toLockError(path, locked, tried.error);
  }
  throw new FileBusyError(path, undefined);
}

/** Whether a process holds the lock. */
export function isLocked(folder: Folder, name: string): boolean {
  const file = folder.lstat(name);
  if (file?.isFile() !== true) return false;
  let db: DatabaseSync | undefined;
  try {
    db = openDatabase(join(folder.path, name), { busyMs: 0 });
    db.exec(takeLock);
    // Of a file that this user may only read, SQLite takes no lock, and says nothing. The system may list the holder.
    const holder = findHolder(file);
    return holder !== undefined && holder !== process.pid;
  } catch (error) {
    return resultCodeOf(error) === sqlite.busy || findHolder(file) !== undefined;
  } finally {
    db?.close();
  }
}

/** Creates the lock file unless it exists. Removes a link, a FIFO and anything else that is no file of one name. */
function prepareLockFile(folder: Folder, name: string, mode: number): Stats {
  for (let tries = 0; tries < maxTries; tries += 1) {
    const stats = folder.lstat(name);
    if (stats === undefined) {
      createLockFile(folder, name, mode);
      continue;
    }
    const foreign = explainForeign(stats, (found) => folder.isOwn(found));
    if (foreign === undefined) return stats;
    // It may be the lock of a download that another user runs.
    if (stats.isFile() && stats.nlink === 1) throw foreignError(folder, name, foreign);
    try {
      folder.unlink(name);
    } catch {
      throw foreignError(folder, name, foreign);
    }
  }
  throw foreignError(folder, name, "it was replaced several times by another process");
}

function createLockFile(folder: Folder, name: string, mode: number): void {
  try {
    closeSync(createFile(folder, name, mode));
  } catch (error) {
    if (!hasErrorCode(error, "EEXIST")) throw error;
  }
}

function tryLock(path: string, wait: number): { readonly db: DatabaseSync } | { readonly error: unknown } {
  let db: DatabaseSync | undefined;
  try {
    db = openDatabase(path, { busyMs: wait });
    db.exec(takeLock);
    return { db };
  } catch (error) {
    db?.close();
    return { error };
  }
}

function toLockError(path: string, file: Stats, error: unknown): Error {
  const code = resultCodeOf(error);
  if (code === sqlite.busy) return new FileBusyError(path, findHolder(file));
  const [errno, what] =
    code === sqlite.cannotOpen || code === sqlite.readOnly
      ? ["EACCES", "this user has no permission to open it"]
      : ["ENOLCK", "its file system offers no locks; choose a folder on another disk"];
  return new FileAccessError(path, { errno, what, cause: error });
}

function resultCodeOf(error: unknown): number | undefined {
  const code = error instanceof Error && "errcode" in error ? Number(error.errcode) : undefined;
  // The upper bits are an extended code.
  return code === undefined ? undefined : code & 0xff;
}

interface LockedFile {
  readonly folder: Folder;
  readonly name: string;
  readonly db: DatabaseSync;
  readonly locked: Stats;
}

function toLock({ folder, name, db, locked }: LockedFile): FileLock {
  return {
    confirm: () => {
      if (!isUnchanged(locked, folder.lstat(name)))
        throw new FileBusyError(join(folder.path, name), undefined, "removed");
    },
    release: (file) => {
      try {
        if (file === "remove" && isUnchanged(locked, folder.lstat(name))) removeLockFile(folder, name);
      } finally {
        db.close();
        // Windows removes no open file. Another process that has opened it meanwhile keeps it.
        if (file === "remove" && process.platform === "win32") removeLockFile(folder, name);
      }
    },
  };
}

function removeLockFile(folder: Folder, name: string): void {
  try {
    folder.unlink(name);
  } catch (error) {
    if (process.platform !== "win32") throw error;
  }
}

/** Whether the lock file is the same. An inode number is used again when its file is gone, so the time tells them apart. */
function isUnchanged(locked: Stats, found: Stats | undefined): boolean {
  return isSameFile(locked, found) && locked.birthtimeMs === found?.birthtimeMs;
}

/** Returns the process that holds a lock, if the system lists it: Linux does, for processes of the same container. */
function findHolder({ ino }: Stats): number | undefined {
  try {
    const fields = readFileSync("/proc/locks", "latin1")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .find((line) => line[3] === "WRITE" && line[5]?.endsWith(`:${ino}`) === true);
    const pid = Number(fields?.[4]);
    return pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}
