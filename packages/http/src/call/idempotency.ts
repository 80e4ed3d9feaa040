import { randomUUID } from "node:crypto";
import type { HttpRequest } from "../model/request.ts";

/**
 * The key by which a server recognises a second try: a text, a function that makes one of the request, or `"auto"` for a
 * new random one. It is settled once for each call, so that all of its attempts have the same.
 */
export type IdempotencyKey = "auto" | (string & {}) | ((request: HttpRequest) => string);

/** How a key is written into the request. */
export interface IdempotencyHeader {
  /** @default "Idempotency-Key" */
  readonly name?: string;
  /**
   * Whether it stands in quotes, as a String of structured fields (draft-ietf-httpapi-idempotency-key-header-06); most
   * servers take it bare. @default false
   */
  readonly quoted?: boolean;
}

/**
 * Gives a request its key, as Idempotency-Key unless told otherwise. Without one, a key that the caller wrote into the
 * headers is taken for what it is.
 *
 * @throws RangeError for an empty key, or one to be quoted that is not printable ASCII; TypeError for what is no text,
 *   such as the promise of an `async` function.
 */
export function withIdempotencyKey(
  request: HttpRequest,
  key: IdempotencyKey | undefined,
  { name = "idempotency-key", quoted = false }: IdempotencyHeader = {},
): HttpRequest {
  const header = name.toLowerCase();
  if (key === undefined) {
    const own = request.headers[header];
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
    throw new TypeError("An idempotency key must be a text, and a function that makes one not async");
  return key === "auto" ? randomUUID() : settled;
}
