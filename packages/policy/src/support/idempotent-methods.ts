/** The HTTP methods that have the same effect once and twice: RFC 9110 §9.2.2, and QUERY by its own definition. */
export const idempotentMethods: ReadonlySet<string> = new Set([
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PUT",
  "QUERY",
  "TRACE",
]);
