import type { SQLOutputValue } from "node:sqlite";
import type { Job, JobRequest } from "../ledger/job.ts";

/** A row as `node:sqlite` returns it. */
export type SqlRow = Record<string, SQLOutputValue>;

/** Returns the value of a numeric column. @throws TypeError when it is not a number. */
export function readNumber(row: SqlRow | undefined, column: string): number {
  const value = row?.[column];
  if (typeof value !== "number")
    throw new TypeError(`Column ${column} must be a number, got ${typeof value}`);
  return value;
}

/** Returns the value of a TEXT column. @throws TypeError when it is not a string. */
export function readText(row: SqlRow | undefined, column: string): string {
  const value = row?.[column];
  if (typeof value !== "string") throw new TypeError(`Column ${column} must be text, got ${typeof value}`);
  return value;
}

/** Returns the job of a row of the `job` table. @throws TypeError when a column has the wrong type. */
export function readJob(row: SqlRow): Job {
  const job = {
    id: readNumber(row, "id"),
    line: readNumber(row, "line"),
    method: readText(row, "method"),
    url: readText(row, "url"),
  };
  if (row["request"] === null) return job;
  const request = parseJson(readText(row, "request"));
  if (!isRequest(request)) throw new TypeError(`Row ${job.id} has no valid request`);
  return { ...job, request };
}

/** Returns the continuation of a deferred row; undefined without one that can be read. */
export function readContinuation({ continuation }: SqlRow): object | undefined {
  const value = typeof continuation === "string" ? parseJson(continuation) : undefined;
  return typeof value === "object" && value !== null ? value : undefined;
}

function isRequest(value: unknown): value is JobRequest {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).every(([key, part]) =>
    key === "headers" ? typeof part === "object" && part !== null : typeof part === "string",
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
