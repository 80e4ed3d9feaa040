import { pathToFileURL } from "node:url";
import type { DatabaseSync } from "node:sqlite";

type Sqlite = typeof import("node:sqlite");

let cachedSqlite: Sqlite | undefined;

/** Opens a database file, and does not create it. Waits up to `busyMs` for a lock. */
export function openDatabase(
  path: string,
  options: { readonly readOnly?: boolean; readonly busyMs?: number } = {},
): DatabaseSync {
  const { readOnly = false, busyMs = 5_000 } = options;
  cachedSqlite ??= loadSqlite();
  const url = path === ":memory:" ? path : `${pathToFileURL(path).href}?mode=${readOnly ? "ro" : "rw"}`;
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
