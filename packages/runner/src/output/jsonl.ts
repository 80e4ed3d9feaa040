import { isUtf8 } from "node:buffer";
import { redact } from "@holdfast/policy";
import { isSecretHeader } from "@holdfast/policy/internal";
import type { LineResult } from "../ledger/result.ts";

/** The options of `toJsonl`. */
export interface JsonlOptions {
  /** "inline" writes each body into its line, as text or, when it is not UTF-8, as base64. "none" leaves bodies out. @default "inline" */
  readonly body?: "inline" | "none";
  /** A larger body is omitted: its line has `"body": null, "bodyBytes": …, "bodyOmitted": true`. @default 64 MiB */
  readonly maxBodyBytes?: number;
  /** Hides credentials, keys and tokens in URLs and headers. Bodies stay as they are. @default false */
  readonly redact?: boolean;
  /** Receives each result with an omitted body. */
  readonly onBodyOmitted?: (result: LineResult) => void;
}

// A string has at most 2^29 - 24 characters, and JSON may write one byte as six of them.
const defaultMaxBodyBytes = 64 * 2 ** 20;

/** Yields one line of JSON per result, each with a newline at the end. Times are ISO 8601. */
export function* toJsonl(
  results: Iterable<LineResult>,
  options: JsonlOptions = {},
): Generator<string, void, undefined> {
  for (const result of results) {
    const fields = { ...toFields(result), ...toContent(result, options) };
    yield `${formatJsonLine(options.redact === true ? hideSecrets(fields, result) : fields)}\n`;
  }
}

/** Formats a value as JSON on one line. Many programs also end a line at the marks that JSON does not escape. */
function formatJsonLine(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[\u0085\u2028\u2029]/g,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function toContent(
  result: LineResult,
  { body = "inline", maxBodyBytes = defaultMaxBodyBytes, onBodyOmitted }: JsonlOptions,
): Record<string, unknown> {
  if (body === "none") return {};
  if (result.bytes <= maxBodyBytes) return toHeadersAndBody(result);
  onBodyOmitted?.(result);
  return toOmittedBody(result);
}

// A list of names, because access to headers or body reads from disk.
const fieldNames = [
  "line",
  "list",
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

function hideSecrets(fields: Record<string, unknown>, result: LineResult): Record<string, unknown> {
  const { url, finalUrl, reason } = result;
  return {
    ...fields,
    url: redact(url),
    reason: redact(reason),
    ...(finalUrl !== undefined && { finalUrl: redact(finalUrl) }),
    ...("headers" in fields && { headers: result.headers?.map(hideSecretHeader) }),
  };
}

function hideSecretHeader([name, value]: readonly [string, string]): readonly [string, string] {
  return [name, isSecretHeader(name) ? "***" : redact(value)];
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
