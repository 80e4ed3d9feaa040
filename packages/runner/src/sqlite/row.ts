import type { SQLOutputValue } from "node:sqlite";
import type { Job, JobRequest } from "../ledger/job.ts";

/** A row as node:sqlite gives it. */
export type Row = Record<string, SQLOutputValue>;

/** Reads a column that is a number by the schema. @throws TypeError when it is not. */
export function numberOf(row: Row | undefined, column: string): number {
  const value = row?.[column];
  if (typeof value !== "number") throw new TypeError(`Column ${column} is not a number`);
  return value;
}

/** Reads a column that is text by the schema. @throws TypeError when it is not. */
export function textOf(row: Row | undefined, column: string): string {
  const value = row?.[column];
  if (typeof value !== "string") throw new TypeError(`Column ${column} is not text`);
  return value;
}

/** Reads the job of a `req` row. */
export function jobOf(row: Row): Job {
  const job = {
    id: numberOf(row, "id"),
    line: numberOf(row, "line"),
    method: textOf(row, "method"),
    url: textOf(row, "url"),
  };
  if (row["request"] === null) return job;
  const request: unknown = JSON.parse(textOf(row, "request"));
  if (!isRequest(request)) throw new TypeError(`Row ${job.id} holds no request`);
  return { ...job, request };
}

function isRequest(value: unknown): value is JobRequest {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).every(([key, part]) =>
    key === "headers" ? typeof part === "object" : typeof part === "string",
  );
}
