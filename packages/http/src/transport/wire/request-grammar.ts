// What a request may contain, whatever the version of HTTP (RFC 9110 §5.1, §5.5, §7.2, §9.1; RFC 3986 §3.2.2). Patterns only: a
// function here would be one more file on the way of each request.

export const headerToken: RegExp = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
export const unsendablePath: RegExp = /[^\u0021-\u00ff]/;
export const unsendableValue: RegExp = /[^\t\u0020-\u007e\u0080-\u00ff]/;

/** A name or an IPv4 address, or an IPv6 address in brackets, with or without a port. */
export const hostPattern: RegExp =
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
