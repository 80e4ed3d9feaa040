/**
 * Removes the dot of the DNS root from a host, which may have a port, or from an origin: `a.test.` and `a.test` are the same
 * host (RFC 1034 §3.1).
 */
export function stripRootDot(host: string): string {
  // Hot path: almost no host has such a dot, and the two searches are cheaper than the expression.
  return host.endsWith(".") || host.includes(".:") ? host.replace(/\.(?=(?::\d+)?$)/, "") : host;
}
