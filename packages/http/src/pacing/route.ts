import { stripRootDot } from "@holdfast/policy/internal";
import type { HttpRequest } from "../model/request.ts";
import { loadCrypto } from "../support/builtins.ts";

const uuid = /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;
// A hash, a MongoDB id, a ULID or a random key: long, with a digit.
const key = /^(?=.*\d)(?:[0-9a-f]{12,}|[0-9a-z_-]{20,})$/i;
const digits = /^\d+$/;

/**
 * Returns the route of a request: the method, the origin and the path without its query. Segments that look like an id are
 * replaced, so that `/users/1` and `/users/2` are one route. A path longer than 512 characters is a route of its own, named by
 * its hash.
 */
export function routeOf({ method, url }: HttpRequest): string {
  return `${method} ${stripRootDot(url.origin)}${routePath(url.pathname)}`;
}

// In characters. Routes are remembered, and a redirect may lead to a longer path.
const maxPathLength = 512;

function routePath(path: string): string {
  if (path.length > maxPathLength)
    return `/{${loadCrypto().createHash("sha256").update(path).digest("base64url")}}`;
  if (!/\d/.test(path)) return path;
  return path
    .split("/")
    .map((segment) => (isId(segment) ? "{id}" : segment))
    .join("/");
}

function isId(segment: string): boolean {
  return digits.test(segment) || uuid.test(segment) || key.test(segment);
}
