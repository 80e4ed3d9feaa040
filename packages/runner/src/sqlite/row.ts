import type { SQLOutputValue } from "node:sqlite";
import type { Job, JobRequest } from "../ledger/job.ts";

/** A row as node:sqlite gives it. */
export type SqlRow = Record<string, SQLOutputValue>;

/** Reads a column that is a number by the schema. @throws TypeError when it is not. */
export function readNumber(row: SqlRow | undefined, column: string): number {
  const value = row?.[column];
  if (typeof value !== "number") throw new TypeError(`Column ${column} is not a number`);
  return value;
}

/** Reads a column that is text by the schema. @throws TypeError when it is not. */
export function readText(row: SqlRow | undefined, column: string): string {
  const value = row?.[column];
  if (typeof value !== "string") throw new TypeError(`Column ${column} is not text`);
  return value;
}

/** Reads the job of a `req` row. */
export function readJob(row: SqlRow): Job {
  const job = {
    id: readNumber(row, "id"),
    line: readNumber(row, "line"),
    method: readText(row, "method"),
    url: readText(row, "url"),
  };
  if (row["request"] === null) return job;
  const request: unknown = JSON.parse(readText(row, "request"));
  if (!isRequest(request)) throw new TypeError(`Row ${job.id} holds no request`);
  return { ...job, request };
}

function isRequest(value: unknown): value is JobRequest {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).every(([key, part]) =>
    key === "headers" ? typeof part === "object" : typeof part === "string",
  );
}
