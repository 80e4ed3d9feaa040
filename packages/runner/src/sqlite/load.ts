import type { DatabaseSync } from "node:sqlite";

type Sqlite = typeof import("node:sqlite");

let cachedSqlite: Sqlite | undefined;

/** Loads `node:sqlite` at first use, without the ExperimentalWarning that Node 22 prints for it; every other warning passes. */
function loadSqlite(): Sqlite {
  cachedSqlite ??= loadWithoutWarning();
  return cachedSqlite;
}

/** Opens a database file that is never attached to another and waits up to `busyMs` for a lock. */
export function openDatabase(
  path: string,
  options: { readonly readOnly?: boolean; readonly busyMs?: number } = {},
): DatabaseSync {
  const { readOnly = false, busyMs = 5_000 } = options;
  return new (loadSqlite().DatabaseSync)(path, { readOnly, timeout: busyMs });
}

function loadWithoutWarning(): Sqlite {
  const own = Object.getOwnPropertyDescriptor(process, "emitWarning");
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
    if (own === undefined) Reflect.deleteProperty(process, "emitWarning");
    else Object.defineProperty(process, "emitWarning", own);
  }
}
