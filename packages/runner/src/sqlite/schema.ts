import type { DatabaseSync } from "node:sqlite";
import { openDatabase } from "@holdfast/http/internal/files";
import { LedgerError } from "../ledger/ledger.ts";

/** "hfst": marks a database file as a ledger (SQLite's application_id). */
const applicationId = 0x68667374;

/** The version of the tables and of the stored JSON that this program reads and writes (SQLite's user_version). */
const schemaVersion = 3;

// A row of `queue` is a line that is not finished. `due` is 0 for a line that was never deferred. `wake_at` of a host is 0
// while it has such lines, later while it waits, and null when it has none.
const tables = `
CREATE TABLE run (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
CREATE TABLE list (id INTEGER PRIMARY KEY, path TEXT UNIQUE, rows INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO list (id) VALUES (0);
CREATE TABLE host (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  wake_at INTEGER,
  standing TEXT NOT NULL DEFAULT 'serving',
  state TEXT
) STRICT;
CREATE INDEX host_wake ON host (wake_at, id) WHERE wake_at IS NOT NULL;
CREATE INDEX host_standing ON host (standing, id) WHERE standing <> 'serving';
CREATE TABLE job (
  id INTEGER PRIMARY KEY,
  key BLOB NOT NULL,
  occurrence INTEGER NOT NULL,
  list INTEGER NOT NULL,
  line INTEGER NOT NULL,
  method TEXT NOT NULL,
  url TEXT NOT NULL,
  request TEXT,
  host INTEGER REFERENCES host (id),
  UNIQUE (key, occurrence)
) STRICT;
CREATE TABLE removed (id INTEGER PRIMARY KEY REFERENCES job (id)) STRICT;
CREATE TABLE queue (
  host INTEGER NOT NULL,
  due INTEGER NOT NULL,
  id INTEGER NOT NULL,
  PRIMARY KEY (host, due, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE outcome (
  id INTEGER PRIMARY KEY REFERENCES job (id),
  state TEXT NOT NULL CHECK (state IN ('done', 'failed', 'skipped', 'unknown')),
  reason TEXT NOT NULL,
  retryable INTEGER NOT NULL DEFAULT 0 CHECK (retryable = 0 OR state = 'failed'),
  status INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  elapsed REAL,
  recorded_at INTEGER NOT NULL,
  final_url TEXT,
  content_type TEXT,
  segment INTEGER,
  record_offset INTEGER,
  record_length INTEGER,
  etag TEXT,
  last_modified TEXT
) STRICT;
CREATE TABLE previous (
  id INTEGER PRIMARY KEY REFERENCES job (id),
  is_condition INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  status INTEGER,
  bytes INTEGER NOT NULL,
  elapsed REAL,
  final_url TEXT,
  content_type TEXT,
  segment INTEGER,
  record_offset INTEGER,
  record_length INTEGER,
  etag TEXT,
  last_modified TEXT
) STRICT;
CREATE INDEX outcome_reason ON outcome (state, reason, retryable, id) WHERE state <> 'done';
CREATE TABLE deferral (
  id INTEGER PRIMARY KEY REFERENCES job (id),
  until INTEGER NOT NULL,
  deferrals INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  reason TEXT NOT NULL,
  continuation TEXT
) STRICT;
CREATE INDEX deferral_until ON deferral (until, id);
CREATE TABLE intent (id INTEGER PRIMARY KEY REFERENCES job (id)) STRICT;
CREATE TABLE segment (id INTEGER PRIMARY KEY, committed_bytes INTEGER NOT NULL) STRICT;
CREATE TABLE advice (reason TEXT PRIMARY KEY, advice TEXT NOT NULL) STRICT, WITHOUT ROWID;
PRAGMA application_id = ${applicationId};
PRAGMA user_version = ${schemaVersion};
`;

/** Creates the tables in an empty database and makes writes survive a power loss. @throws LedgerError when the file is not a ledger of this version. */
export function prepareWriter(db: DatabaseSync, path: string): void {
  if (isEmpty(db)) {
    db.exec("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL");
    db.exec(`BEGIN; ${tables} COMMIT`);
  }
  checkSchema(db, path);
  db.exec("PRAGMA synchronous = FULL; PRAGMA cache_size = -32768; PRAGMA temp_store = FILE");
}

/** Checks that the database is a ledger of this version. @throws LedgerError when it is not. */
export function checkSchema(db: DatabaseSync, path: string): void {
  if (readPragma(db, "application_id") !== applicationId)
    throw new LedgerError(`${path} is not a ledger: use another folder`, path);
  checkVersion(Number(readPragma(db, "user_version")), path);
}

/**
 * Checks the version of a ledger by the header of its file. A usual connection would leave files next to it, and the folder of
 * another version must stay as it is. Returns false when the header is not that of a ledger: the header of a young ledger
 * may still be in the write-ahead log.
 *
 * The header is read through SQLite. To open and close the file by other means would release the locks that a run of this
 * process has on it (POSIX, fcntl), and a program that closes the database then would remove its write-ahead log.
 *
 * @throws LedgerError when another version wrote the ledger.
 */
export function checkFileVersion(path: string): boolean {
  const db = openDatabase(path, { immutable: true });
  try {
    if (readPragma(db, "application_id") !== applicationId) return false;
    checkVersion(Number(readPragma(db, "user_version")), path);
    return true;
  } finally {
    db.close();
  }
}

function checkVersion(version: number, path: string): void {
  if (version === schemaVersion) return;
  const other = version < schemaVersion ? "an older" : "a newer";
  throw new LedgerError(
    `${path} was written by ${other} version of holdfast (ledger version ${version}, expected ${schemaVersion}): use a new folder, or continue with the version that wrote it`,
    path,
  );
}

/** Returns whether nothing was ever written to the database. */
export function isEmpty(db: DatabaseSync): boolean {
  return readPragma(db, "page_count") === 0;
}

function readPragma(db: DatabaseSync, name: string): unknown {
  return db.prepare(`PRAGMA ${name}`).get()?.[name];
}
