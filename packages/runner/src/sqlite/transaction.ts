import type { DatabaseSync } from "node:sqlite";
import { LedgerError } from "../ledger/ledger.ts";

/** Runs `work` in one write transaction: either all of its writes are kept, or none. */
export function transaction<T>(db: DatabaseSync, work: () => T): T {
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
