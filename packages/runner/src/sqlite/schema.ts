import type { DatabaseSync } from "node:sqlite";
import { LedgerError } from "../ledger/ledger.ts";

/** "hfst": marks a database file as a ledger (SQLite's application_id). */
const applicationId = 0x68667374;

/** The layout that this version reads and writes. */
const schemaVersion = 1;

const tables = `
CREATE TABLE run (k TEXT PRIMARY KEY, v ANY) STRICT, WITHOUT ROWID;
CREATE TABLE req (
  id INTEGER PRIMARY KEY,
  key BLOB NOT NULL,
  nth INTEGER NOT NULL,
  line INTEGER NOT NULL,
  method TEXT NOT NULL,
  url TEXT NOT NULL,
  request TEXT,
  UNIQUE (key, nth)
) STRICT;
CREATE TABLE res (
  id INTEGER PRIMARY KEY REFERENCES req (id),
  state TEXT NOT NULL CHECK (state IN ('done', 'failed', 'skipped', 'unknown')),
  reason TEXT NOT NULL,
  retryable INTEGER NOT NULL DEFAULT 0 CHECK (retryable = 0 OR state = 'failed'),
  original INTEGER,
  status INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  ms REAL,
  at INTEGER NOT NULL,
  final_url TEXT,
  type TEXT,
  seg INTEGER,
  off INTEGER,
  len INTEGER
) STRICT;
CREATE INDEX res_reason ON res (state, reason, retryable, id) WHERE state <> 'done';
CREATE TABLE retry (
  id INTEGER PRIMARY KEY REFERENCES req (id),
  until INTEGER NOT NULL,
  rounds INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  reason TEXT NOT NULL
) STRICT;
CREATE INDEX retry_until ON retry (until, id);
CREATE TABLE intent (id INTEGER PRIMARY KEY REFERENCES req (id)) STRICT;
CREATE TABLE seg (id INTEGER PRIMARY KEY, committed INTEGER NOT NULL) STRICT;
CREATE TABLE advice (reason TEXT PRIMARY KEY, advice TEXT NOT NULL) STRICT, WITHOUT ROWID;
PRAGMA application_id = ${applicationId};
PRAGMA user_version = ${schemaVersion};
`;

/** Makes an empty database a ledger, durable against power loss. @throws LedgerError when the file is something else. */
export function prepareWriter(db: DatabaseSync, path: string): void {
  if (pragma(db, "page_count") === 0) {
    db.exec("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL");
    db.exec(`BEGIN; ${tables} COMMIT`);
  }
  checkSchema(db, path);
  db.exec("PRAGMA synchronous = FULL; PRAGMA cache_size = -32768; PRAGMA temp_store = FILE");
}

/** @throws LedgerError when the database is no ledger, or one of another version. */
export function checkSchema(db: DatabaseSync, path: string): void {
  if (pragma(db, "application_id") !== applicationId) throw new LedgerError(`${path} is not a ledger`, path);
  const found = pragma(db, "user_version");
  if (found !== schemaVersion)
    throw new LedgerError(`${path} has layout ${String(found)}, this version reads ${schemaVersion}`, path);
}

function pragma(db: DatabaseSync, name: string): unknown {
  return db.prepare(`PRAGMA ${name}`).get()?.[name];
}
