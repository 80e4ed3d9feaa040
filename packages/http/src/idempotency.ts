import { randomUUID } from "node:crypto";
import type { HttpRequest } from "./request.ts";

/**
 * The key by which a server recognises a second try: a text, a function that makes one of the request, or `"auto"` for a
 * new random one. It is settled once for each call, so that all of its attempts have the same.
 */
export type IdempotencyKey = "auto" | (string & {}) | ((request: HttpRequest) => string);

/**
 * Gives a request its key, as Idempotency-Key. Without one, a key that the caller wrote into the headers is taken for
 * what it is.
 *
 * @throws RangeError for an empty key.
 */
export function withIdempotencyKey(request: HttpRequest, key: IdempotencyKey | undefined): HttpRequest {
  if (key === undefined) {
    const own = request.headers["idempotency-key"];
    return own === undefined ? request : { ...request, idempotencyKey: String(own) };
  }
  const idempotencyKey = settle(request, key);
  if (idempotencyKey === "") throw new RangeError("An idempotency key must not be empty");
  return { ...request, headers: { ...request.headers, "idempotency-key": idempotencyKey }, idempotencyKey };
}

function settle(request: HttpRequest, key: IdempotencyKey): string {
  if (typeof key === "function") return key(request);
  return key === "auto" ? randomUUID() : key;
}
