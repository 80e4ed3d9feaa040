// What a request may contain, whatever the version of HTTP (RFC 9110 §5.1, §5.5, §7.2, §9.1; RFC 3986 §3.2.2). Requests without
// a Host or Content-Length of their own use the patterns alone: a function would be one more file on the way of each.

import { UnsendableRequest } from "../errors/unsendable-request.ts";

export const headerToken: RegExp = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
export const unsendablePath: RegExp = /[^\u0021-\u00ff]/;
export const unsendableValue: RegExp = /[^\t\u0020-\u007e\u0080-\u00ff]/;

/** A name or an IPv4 address, or an IPv6 address in brackets, with or without a port. */
const hostPattern: RegExp =
  /^(?:[\w.~!$&'()*+,;=-]|%[\dA-Fa-f]{2})+(?::\d{0,5})?$|^\[[\dA-Fa-f:.]+\](?::\d{0,5})?$/;

/** Methods whose requests usually have a body, so that an empty one has a Content-Length of 0 (RFC 9110 §8.6). */
export const methodsWithBody: ReadonlySet<string> = new Set([
  "POST",
  "PUT",
  "PATCH",
  "QUERY",
  "PROPFIND",
  "PROPPATCH",
]);

/** @throws UnsendableRequest for a header that was given before. */
export function rejectDuplicate<T>(before: T | undefined, name: string, value: T): T {
  if (before !== undefined) throw new UnsendableRequest(`The header ${name} must not be given twice`);
  return value;
}

/** @throws UnsendableRequest for a value that no Host header can have. */
export function parseHost(value: string): string {
  if (hostPattern.test(value)) return value;
  throw new UnsendableRequest(
    `The header host must be a host name or an address, with or without a port, got ${JSON.stringify(value)}`,
  );
}
