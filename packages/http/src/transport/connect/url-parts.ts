/** The host of a URL, an IPv6 address without its brackets. */
export function unbracketedHost({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "");
}

/** The port of a URL, its scheme's own where none is given; 1080 for SOCKS (RFC 1928 §3). */
export function effectivePort({ port, protocol }: URL): number {
  if (port !== "") return Number(port);
  if (protocol.startsWith("socks")) return 1080;
  return protocol === "https:" ? 443 : 80;
}
