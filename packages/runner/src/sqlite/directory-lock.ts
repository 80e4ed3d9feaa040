import { existsSync } from "node:fs";
import { join } from "node:path";
import { LedgerError } from "../ledger/ledger.ts";
import { openDatabase } from "./open-database.ts";

/** A held lock. `close` releases it. */
export interface DirectoryLock {
  close(): void;
}

/** SQLite's result code SQLITE_BUSY. */
const sqliteBusy = 5;

/**
 * Locks a directory for this process. The operating system releases the lock when the process dies, however it dies.
 * The lock is SQLite's reserved lock on `lock.db`, an empty file.
 *
 * @throws LedgerError when another live process, or this one, holds the lock.
 */
export function lockDirectory(directory: string): DirectoryLock {
  const lock = tryLock(lockPath(directory), 250);
  if (lock !== undefined) return lock;
  throw new LedgerError(
    `${directory} is in use by another process: wait for it, or use another folder`,
    directory,
  );
}

/** Returns whether a live process holds the lock. */
export function isLocked(directory: string): boolean {
  const path = lockPath(directory);
  if (!existsSync(path)) return false;
  const lock = tryLock(path, 0);
  lock?.close();
  return lock === undefined;
}

function lockPath(directory: string): string {
  return join(directory, "lock.db");
}

function tryLock(path: string, busyMs: number): DirectoryLock | undefined {
  const db = openDatabase(path, { busyMs });
  try {
    db.exec("BEGIN IMMEDIATE");
    return { close: () => db.close() };
  } catch (error) {
    db.close();
    if (error instanceof Error && "errcode" in error && error.errcode === sqliteBusy) return undefined;
    throw new LedgerError(`Cannot lock ${path}`, path, { cause: error });
  }
}
