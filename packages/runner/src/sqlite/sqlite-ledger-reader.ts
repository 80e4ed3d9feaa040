import type { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { type Folder, isLocked, openDatabase } from "@holdfast/http/internal/files";
import { LedgerError, type LedgerReader, type RunInfo } from "../ledger/ledger.ts";
import type { RunProxyStats } from "../ledger/proxy-stats.ts";
import type { ReasonGroup, RunTotals } from "../ledger/report.ts";
import type { LineResult } from "../ledger/result.ts";
import { readLists } from "./lists.ts";
import { iterateResults } from "./read-result.ts";
import { readReasons, readTotals } from "./report-queries.ts";
import { checkReadableFiles, openRunFolder, runFiles } from "./run-folder.ts";
import { readProgramState, readProxySnapshot, readProxyStats, readRunInfo } from "./run-table.ts";
import { checkFileVersion, checkSchema } from "./schema.ts";
import { SegmentReader } from "./segments.ts";
import { wrapErrors } from "./transaction.ts";

/** Opens the ledger of a directory for reading, also while another process writes to it. @throws LedgerError when the directory has no ledger. */
export function readLedger(directory: string): LedgerReader {
  return wrapErrors(directory, () => {
    const folder = openRunFolder(directory);
    try {
      return openReader(directory, folder);
    } catch (error) {
      folder.close();
      throw error;
    }
  });
}

function openReader(directory: string, folder: Folder): LedgerReader {
  const path = databasePath(folder.path);
  if (folder.lstat(runFiles.database) === undefined)
    throw new LedgerError(`${directory} has no ledger: start a run in it, or name another folder`, path);
  checkReadableFiles(folder);
  checkFileVersion(path);
  const db = openForReading(folder, path);
  try {
    checkSchema(db, path);
    return new SqliteLedgerReader({ directory, folder, db });
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Opens the database for reading. A reader of a write-ahead log needs a file next to it. Where this user cannot create one, as on
 * a read-only disk, and no process writes, the log is empty and the database alone is complete.
 */
function openForReading(folder: Folder, path: string): DatabaseSync {
  const db = openDatabase(path, { readOnly: true });
  try {
    db.exec("SELECT 1 FROM sqlite_schema LIMIT 1");
    return db;
  } catch (error) {
    db.close();
    const log = folder.lstat(`${runFiles.database}-wal`);
    if (log !== undefined && log.size > 0) throw explainUnreadableLog(path, error);
    return openDatabase(path, { immutable: true });
  }
}

function explainUnreadableLog(path: string, cause: unknown): LedgerError {
  return new LedgerError(
    `${path} has results in ${runFiles.database}-wal that cannot be read here, because its folder is read-only: copy the folder to another disk`,
    path,
    { cause },
  );
}

/** Returns the path of the database in a directory. */
export function databasePath(directory: string): string {
  return join(directory, runFiles.database);
}

/** An open ledger. */
export interface OpenLedger {
  /** The folder of the run, as the caller named it. */
  readonly directory: string;
  readonly folder: Folder;
  readonly db: DatabaseSync;
}

/** Reads a ledger through a database connection. */
export class SqliteLedgerReader implements LedgerReader {
  readonly directory: string;
  protected readonly db: DatabaseSync;
  protected readonly path: string;
  readonly #folder: Folder;
  readonly #segments: SegmentReader;

  constructor({ directory, folder, db }: OpenLedger) {
    this.directory = directory;
    this.db = db;
    this.path = databasePath(directory);
    this.#folder = folder;
    this.#segments = new SegmentReader(folder);
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

  lists(): readonly string[] {
    return wrapErrors(this.path, () => readLists(this.db));
  }

  runInfo(): RunInfo | undefined {
    const info = wrapErrors(this.path, () => readRunInfo(this.db));
    if (info === undefined) return undefined;
    return isLocked(this.#folder, runFiles.lock)
      ? { ...info, status: "running" }
      : { status: "interrupted", ...info };
  }

  proxyStats(): readonly RunProxyStats[] | undefined {
    return wrapErrors(this.path, () => readProxyStats(this.db));
  }

  proxySnapshot(): unknown {
    return wrapErrors(this.path, () => readProxySnapshot(this.db));
  }

  programState(): unknown {
    return wrapErrors(this.path, () => readProgramState(this.db));
  }

  close(): void {
    this.#segments.close();
    this.closeDatabase();
    this.#folder.close();
  }

  protected closeDatabase(): void {
    this.db.close();
  }
}
