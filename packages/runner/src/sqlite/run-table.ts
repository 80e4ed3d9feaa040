import type { DatabaseSync } from "node:sqlite";
import type { RunInfo } from "../ledger/ledger.ts";
import { isProxyStats, type RunProxyStats } from "../ledger/proxy-stats.ts";
import { transaction } from "./transaction.ts";

type RunValue = "info" | "program" | "proxy-stats" | "proxy-snapshot" | "default-bits";

/** Writes one value of the `run` table as JSON. */
export function writeRunValue(db: DatabaseSync, name: RunValue, value: unknown): void {
  const upsert = db.prepare(
    "INSERT INTO run (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
  );
  transaction(db, () => upsert.run(name, JSON.stringify(value)));
}

/** Reads the start, duration and status of the last run. A run without a recorded end has lasted until its latest outcome. */
export function readRunInfo(db: DatabaseSync): RunInfo | undefined {
  const info = readRunValue(db, "info");
  if (!isRunInfo(info)) return undefined;
  const latest = db.prepare("SELECT max(recorded_at) AS latest FROM outcome").get()?.["latest"];
  return { elapsed: typeof latest === "number" ? Math.max(0, latest - info.startedAt) : 0, ...info };
}

/** Reads the statistics of the proxies as they were last written. */
export function readProxyStats(db: DatabaseSync): readonly RunProxyStats[] | undefined {
  const stats = readRunValue(db, "proxy-stats");
  if (!isProxyStats(stats)) return undefined;
  // An earlier version wrote `http://a.test:1#2`.
  return stats.map((each) => ({ ...each, proxy: each.proxy.replace(/(?<! )#(?=\d+$)/, " #") }));
}

/** Reads the pool's snapshot as it was last written. */
export function readProxySnapshot(db: DatabaseSync): unknown {
  return readRunValue(db, "proxy-snapshot");
}

/** Reads what the program keeps between its runs. */
export function readProgramState(db: DatabaseSync): unknown {
  return readRunValue(db, "program");
}

/** Reads the permissions that the folder of the run had from the umask, if it existed before the run. */
export function readDefaultBits(db: DatabaseSync): number | undefined {
  const bits = readRunValue(db, "default-bits");
  return typeof bits === "number" ? bits : undefined;
}

function readRunValue(db: DatabaseSync, name: RunValue): unknown {
  const value = db.prepare("SELECT value FROM run WHERE name = ?").get(name)?.["value"];
  return typeof value === "string" ? JSON.parse(value) : undefined;
}

function isRunInfo(value: unknown): value is RunInfo {
  return (
    typeof value === "object" && value !== null && "startedAt" in value && typeof value.startedAt === "number"
  );
}
