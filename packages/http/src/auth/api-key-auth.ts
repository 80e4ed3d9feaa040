import { describeKind, isFunction, isObject, isToken } from "../support/validate.ts";
import type { Auth } from "./auth.ts";

/** Where an API key is sent: in a header, or in a query parameter. */
export type ApiKeyPlace = { readonly header: string } | { readonly param: string };

/**
 * Returns authentication by an API key. A function is called for each request. A header or parameter that the request has already
 * is kept. The key does not follow a redirect to another origin.
 *
 * @param place `{ header }` or `{ param }`. @default { header: "X-Api-Key" }
 */
export function apiKeyAuth(
  key: string | (() => string | Promise<string>),
  place: ApiKeyPlace = { header: "X-Api-Key" },
): Auth {
  if (typeof key !== "string" && !isFunction(key))
    throw new TypeError(`apiKeyAuth takes a key, or a function that returns one, got ${describeKind(key)}`);
  if (!isPlace(place))
    throw new TypeError(
      'apiKeyAuth takes { header: "X-Api-Key" } or { param: "api_key" } as the place of the key',
    );
  return async (_request, refused) => {
    if (refused !== undefined) return undefined;
    const value = typeof key === "string" ? key : await key();
    return "header" in place ? { headers: { [place.header]: value } } : { params: { [place.param]: value } };
  };
}

function isPlace(place: unknown): place is ApiKeyPlace {
  if (!isObject(place)) return false;
  const { header, param } = place;
  if (header !== undefined) return typeof header === "string" && isToken(header) && param === undefined;
  return typeof param === "string" && param !== "";
}
