import { isUtf8 } from "node:buffer";
import type { LineResult } from "../ledger/result.ts";

/** The options of `toJsonl`. */
export interface JsonlOptions {
  /** "inline" writes each body into its line, as text or, when it is not UTF-8, as base64. "none" leaves bodies out. @default "inline" */
  readonly body?: "inline" | "none";
  /** A larger body is omitted: its line has `"body": null, "bodyBytes": …, "bodyOmitted": true`. @default 64 MiB */
  readonly maxBodyBytes?: number;
  /** Receives each result with an omitted body. */
  readonly onBodyOmitted?: (result: LineResult) => void;
}

// A string has at most 2^29 - 24 characters, and JSON may write one byte as six of them.
const defaultMaxBodyBytes = 64 * 2 ** 20;

/** Yields one line of JSON per result, each with a newline at the end. Times are ISO 8601. */
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

// A list of names, because access to headers or body reads from disk.
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
  const fields = Object.fromEntries(fieldNames.map((name) => [name, result[name]]));
  const { fetchedAt } = result;
  return fetchedAt === undefined ? fields : { ...fields, fetchedAt: new Date(fetchedAt).toISOString() };
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
