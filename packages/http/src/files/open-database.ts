import { pathToFileURL } from "node:url";
import type { DatabaseSync } from "node:sqlite";

type Sqlite = typeof import("node:sqlite");

let cachedSqlite: Sqlite | undefined;

/** How a database is opened. */
export interface DatabaseOptions {
  /** @default false */
  readonly readOnly?: boolean;
  /** Reads the file alone: without its write-ahead log, without locks, and without files next to it. @default false */
  readonly immutable?: boolean;
  /** Time to wait for a lock, in milliseconds. @default 5_000 */
  readonly busyMs?: number;
}

/** Opens a database file, and does not create it. */
export function openDatabase(path: string, options: DatabaseOptions = {}): DatabaseSync {
  const { immutable = false, readOnly = immutable, busyMs = 5_000 } = options;
  cachedSqlite ??= loadSqlite();
  const mode = `mode=${readOnly ? "ro" : "rw"}${immutable ? "&immutable=1" : ""}`;
  const url = path === ":memory:" ? path : `${pathToFileURL(path).href}?${mode}`;
  return new cachedSqlite.DatabaseSync(url, { readOnly, timeout: busyMs });
}

/** Loads `node:sqlite` without the ExperimentalWarning that Node 22 prints for it. Every other warning passes. */
function loadSqlite(): Sqlite {
  const original = Object.getOwnPropertyDescriptor(process, "emitWarning");
  const emit = process.emitWarning.bind(process);
  const filtered = (...warning: unknown[]): void => {
    const [message, type] = warning;
    if (type === "ExperimentalWarning" && String(message).startsWith("SQLite ")) return;
    Reflect.apply(emit, process, warning);
  };
  Object.defineProperty(process, "emitWarning", { value: filtered, configurable: true, writable: true });
  try {
    return process.getBuiltinModule("node:sqlite");
  } finally {
    if (original === undefined) Reflect.deleteProperty(process, "emitWarning");
    else Object.defineProperty(process, "emitWarning", original);
  }
}
