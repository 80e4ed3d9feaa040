import type { DatabaseSync } from "node:sqlite";
import { LedgerError } from "../ledger/ledger.ts";

/**
 * Runs `work` in a write transaction that several calls share: it stays open until `commitShared`, or until the next
 * `transaction`. If `work` throws, none of their writes are kept. Each commit writes every page that changed, and random keys
 * change one page each, so that many small commits are slow.
 */
export function sharedTransaction<T>(db: DatabaseSync, work: () => T): T {
  if (!db.isTransaction) db.exec("BEGIN IMMEDIATE");
  try {
    return work();
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

/** Commits a shared transaction, if one is open. */
export function commitShared(db: DatabaseSync): void {
  if (db.isTransaction) db.exec("COMMIT");
}

/** Runs `work` in one write transaction: either all of its writes are kept, or none. Commits a shared transaction first. */
export function transaction<T>(db: DatabaseSync, work: () => T): T {
  commitShared(db);
  db.exec("BEGIN IMMEDIATE");
  try {
    const value = work();
    db.exec("COMMIT");
    return value;
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

/** Runs `work` on one unchanging view of the database. */
export function snapshot<T>(db: DatabaseSync, work: () => T): T {
  // The view of a connection does not change while its own transaction is open.
  if (db.isTransaction) return work();
  db.exec("BEGIN");
  try {
    return work();
  } finally {
    if (db.isTransaction) db.exec("COMMIT");
  }
}

/** Runs `work` and converts any error of the database or the disk to a LedgerError about `path`. */
export function wrapErrors<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof LedgerError || !(error instanceof Error)) throw error;
    throw new LedgerError(`Cannot use the ledger ${path}: ${error.message}`, path, { cause: error });
  }
}
