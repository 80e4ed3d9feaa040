import { ownValue } from "@holdfast/policy/internal";
import type { HttpRequest } from "../model/request.ts";

/** The header that carries an idempotency key unless the options name another one, in lower case. */
export const defaultIdempotencyHeader = "idempotency-key";

/**
 * The key by which a server recognises a repeated request: a string, a function that returns one for the request, or
 * `"auto"` for a random UUID. Each call has one key, which all of its attempts send.
 */
export type IdempotencyKey = "auto" | (string & {}) | ((request: HttpRequest) => string);

/** The header that carries the key. */
export interface IdempotencyHeader {
  /** @default "Idempotency-Key" */
  readonly name?: string;
  /**
   * Whether to write the key in quotes, as a String of structured fields (draft-ietf-httpapi-idempotency-key-header-06).
   * Most servers expect it without. @default false
   */
  readonly quoted?: boolean;
}

/**
 * Adds an idempotency key to a request. Without `key`, a key in the headers of the caller is used.
 *
 * @throws RangeError for an empty key, and for a quoted key that is not printable ASCII; TypeError for a key that is not a
 *   string, such as the promise of an `async` function.
 */
export function withIdempotencyKey(
  request: HttpRequest,
  key: IdempotencyKey | undefined,
  { name = defaultIdempotencyHeader, quoted = false }: IdempotencyHeader = {},
): HttpRequest {
  const header = name.toLowerCase();
  if (key === undefined) {
    const own = ownValue(request.headers, header);
    return own === undefined
      ? request
      : { ...request, idempotencyKey: String(own), idempotencyHeader: header };
  }
  const idempotencyKey = resolveKey(request, key);
  if (idempotencyKey === "") throw new RangeError("An idempotency key must not be empty");
  const written = quoted ? quotedString(idempotencyKey) : idempotencyKey;
  const headers = { ...request.headers, [header]: written };
  return { ...request, headers, idempotencyKey, idempotencyHeader: header };
}

/** Writes a String of structured fields (RFC 9651 §4.1.6). */
function quotedString(text: string): string {
  if (!/^[ -~]*$/.test(text)) throw new RangeError("An idempotency key in quotes must be printable ASCII");
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

function resolveKey(request: HttpRequest, key: IdempotencyKey): string {
  const settled: unknown = typeof key === "function" ? key(request) : key;
  if (settled instanceof Promise) settled.catch(() => undefined);
  if (typeof settled !== "string")
    throw new TypeError("An idempotency key must be a string; a function that returns one must not be async");
  return key === "auto" ? crypto.randomUUID() : settled;
}
