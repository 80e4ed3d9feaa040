import { isUtf8 } from "node:buffer";
import type { LineResult } from "../ledger/result.ts";

/** How results are written as JSON. */
export interface JsonlOptions {
  /** Whether bodies are part of the line: as text when they are UTF-8, else as base64. @default "inline" */
  readonly body?: "inline" | "none";
  /** Larger bodies are left out of their line, which then says so: `"body": null, "bodyBytes": …, "bodyOmitted": true`. @default 64 MiB */
  readonly maxBodyBytes?: number;
  /** Hears of every body that is left out because it is too large. */
  readonly onBodyOmitted?: (result: LineResult) => void;
}

// A string holds 2^29 - 24 characters, and JSON may write one byte in six of them.
const defaultMaxBodyBytes = 64 * 2 ** 20;

/** Gives one line of JSON per result, each ending in a newline; times are ISO 8601. */
export function* toJsonl(
  results: Iterable<LineResult>,
  { body = "inline", maxBodyBytes = defaultMaxBodyBytes, onBodyOmitted }: JsonlOptions = {},
): Generator<string, void, undefined> {
  for (const result of results) {
    const isOmitted = body === "inline" && result.bytes > maxBodyBytes;
    if (isOmitted) onBodyOmitted?.(result);
    const content = body === "none" ? {} : isOmitted ? toOmittedBody(result) : toHeadersAndBody(result);
    yield `${JSON.stringify({ ...toFields(result), ...content })}\n`;
  }
}

// Named one by one: headers and body are read when touched.
const fieldNames = [
  "line",
  "method",
  "url",
  "state",
  "reason",
  "retryable",
  "status",
  "attempts",
  "bytes",
  "finalUrl",
  "contentType",
] as const;

function toFields(result: LineResult): Record<string, unknown> {
  const told = Object.fromEntries(fieldNames.map((name) => [name, result[name]]));
  const { fetchedAt } = result;
  return fetchedAt === undefined ? told : { ...told, fetchedAt: new Date(fetchedAt).toISOString() };
}

function toHeadersAndBody({ headers, body }: LineResult): Record<string, unknown> {
  return body === undefined ? {} : { headers, ...encodeBody(body) };
}

function toOmittedBody({ headers, bytes }: LineResult): Record<string, unknown> {
  return { headers, body: null, bodyBytes: bytes, bodyOmitted: true };
}

function encodeBody(body: Uint8Array): { readonly body: string } | { readonly bodyBase64: string } {
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return isUtf8(buffer) ? { body: buffer.toString("utf8") } : { bodyBase64: buffer.toString("base64") };
}
