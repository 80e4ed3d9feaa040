import type { DatabaseSync } from "node:sqlite";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { LedgerError } from "../ledger/ledger.ts";
import { openDatabase } from "./load.ts";

/** A held lock; closing it lets the next owner in. */
export interface DirectoryLock {
  close(): void;
}

const sqliteBusy = 5;

/**
 * Locks a directory for this process; the operating system takes the lock back when the process dies, however it dies.
 * It is SQLite's reserved lock on `lock.db`, which it never writes to.
 *
 * @throws LedgerError when another live process, or this one, holds it.
 */
export function lockDirectory(directory: string): DirectoryLock {
  const path = join(directory, "lock.db");
  const lock = tryLock(path, 250);
  if (lock === undefined) throw new LedgerError(`${directory} is in use by another process`, directory);
  return lock;
}

/** Tells whether a live process holds the lock. */
export function isLocked(directory: string): boolean {
  const path = join(directory, "lock.db");
  if (!existsSync(path)) return false;
  const lock = tryLock(path, 0);
  lock?.close();
  return lock === undefined;
}

function tryLock(path: string, busyMs: number): DirectoryLock | undefined {
  const db = openDatabase(path, { busyMs });
  try {
    db.exec("BEGIN IMMEDIATE");
    return lockOf(db);
  } catch (error) {
    db.close();
    if (error instanceof Error && "errcode" in error && error.errcode === sqliteBusy) return undefined;
    throw new LedgerError(`Cannot lock ${path}`, path, { cause: error });
  }
}

function lockOf(db: DatabaseSync): DirectoryLock {
  return { close: () => db.close() };
}
