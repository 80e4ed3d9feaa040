import { isUtf8 } from "node:buffer";
import type { Result } from "./result.ts";

/** How results are written as JSON. */
export interface JsonlOptions {
  /** Whether bodies are part of the line: as text when they are UTF-8, else as base64. @default "inline" */
  readonly body?: "inline" | "none";
}

/** Gives one line of JSON per result, each ending in a newline; times are ISO 8601. */
export function* toJsonl(
  results: Iterable<Result>,
  { body = "inline" }: JsonlOptions = {},
): Generator<string, void, undefined> {
  for (const result of results) yield `${JSON.stringify(recordOf(result, body))}\n`;
}

function recordOf(result: Result, body: "inline" | "none"): Record<string, unknown> {
  const {
    line,
    method,
    url,
    state,
    reason,
    retryable,
    status,
    attempts,
    fetchedAt,
    finalUrl,
    contentType,
    bytes,
  } = result;
  const facts = {
    line,
    method,
    url,
    state,
    reason,
    retryable,
    status,
    attempts,
    bytes,
    finalUrl,
    contentType,
  };
  const time = fetchedAt === undefined ? {} : { fetchedAt: new Date(fetchedAt).toISOString() };
  if (body === "none" || result.body === undefined) return { ...facts, ...time };
  return { ...facts, ...time, headers: result.headers, ...bodyOf(result.body) };
}

function bodyOf(body: Uint8Array): { readonly body: string } | { readonly bodyBase64: string } {
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return isUtf8(buffer) ? { body: buffer.toString("utf8") } : { bodyBase64: buffer.toString("base64") };
}
