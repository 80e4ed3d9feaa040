import type { DatabaseSync } from "node:sqlite";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { LedgerError, type LedgerReader, type RunInfo } from "../ledger/ledger.ts";
import type { RunProxyStats } from "../ledger/proxy-stats.ts";
import type { ReasonGroup, RunTotals } from "../ledger/report.ts";
import type { LineResult } from "../ledger/result.ts";
import { isLocked } from "./directory-lock.ts";
import { openDatabase } from "./open-database.ts";
import { iterateResults } from "./read-result.ts";
import { readReasons, readTotals } from "./report-queries.ts";
import { readProxySnapshot, readProxyStats, readRunInfo } from "./run-table.ts";
import { checkFileVersion, checkSchema } from "./schema.ts";
import { SegmentReader } from "./segments.ts";
import { wrapErrors } from "./transaction.ts";

/** Opens the ledger of a directory for reading, also while another process writes to it. @throws LedgerError when the directory has no ledger. */
export function readLedger(directory: string): LedgerReader {
  const path = databasePath(directory);
  if (!existsSync(path))
    throw new LedgerError(`${directory} has no ledger: start a run in it, or name another folder`, path);
  return wrapErrors(path, () => {
    checkFileVersion(path);
    const db = openDatabase(path, { readOnly: true });
    try {
      checkSchema(db, path);
      return new SqliteLedgerReader(directory, db);
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/** Returns the path of the database in a directory. */
export function databasePath(directory: string): string {
  return join(directory, "ledger.db");
}

/** Reads a ledger through a database connection. */
export class SqliteLedgerReader implements LedgerReader {
  readonly directory: string;
  protected readonly db: DatabaseSync;
  protected readonly path: string;
  readonly #segments: SegmentReader;

  constructor(directory: string, db: DatabaseSync) {
    this.directory = directory;
    this.db = db;
    this.path = databasePath(directory);
    this.#segments = new SegmentReader(directory);
  }

  totals(): RunTotals {
    return wrapErrors(this.path, () => readTotals(this.db));
  }

  reasons(): readonly ReasonGroup[] {
    return wrapErrors(this.path, () => readReasons(this.db));
  }

  results(): Iterable<LineResult> {
    return iterateResults(this.db, this.directory, this.#segments);
  }

  runInfo(): RunInfo | undefined {
    const info = wrapErrors(this.path, () => readRunInfo(this.db));
    if (info === undefined) return undefined;
    return isLocked(this.directory) ? { ...info, status: "running" } : { status: "interrupted", ...info };
  }

  proxyStats(): readonly RunProxyStats[] | undefined {
    return wrapErrors(this.path, () => readProxyStats(this.db));
  }

  proxySnapshot(): unknown {
    return wrapErrors(this.path, () => readProxySnapshot(this.db));
  }

  close(): void {
    this.#segments.close();
    this.db.close();
  }
}
