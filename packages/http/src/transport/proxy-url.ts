import { InvalidUrlError } from "../errors/transport-errors.ts";

/**
 * The protocol of a proxy, in curl's words. `socks5` and `socks4` proxies receive an address that was looked up here;
 * `socks5h` and `socks4a` proxies receive the host's name.
 */
export type ProxyScheme = "http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h";

/** The default port of a proxy by scheme, for a URL without a port; 1080 is the port of SOCKS (RFC 1928 §3). */
export const defaultProxyPorts: Readonly<Record<ProxyScheme, number>> = {
  http: 80,
  https: 443,
  socks4: 1080,
  socks4a: 1080,
  socks5: 1080,
  socks5h: 1080,
};

/** Returns whether a name, in lower case and without "://", is the scheme of a proxy. */
export function isProxyScheme(name: string): name is ProxyScheme {
  return Object.hasOwn(defaultProxyPorts, name);
}

/** A user and a password as bytes; empty when absent. */
export interface Credentials {
  readonly user: Buffer;
  readonly password: Buffer;
}

const noCredentials: Credentials = { user: Buffer.alloc(0), password: Buffer.alloc(0) };

// RFC 1929 §2: a length is one byte.
const maxSocks5Bytes = 255;

/**
 * Returns the URL of a proxy with its scheme. A URL without a scheme is an http proxy, as in requests and curl.
 *
 * @param name what error messages call the URL.
 * @throws InvalidUrlError for an invalid URL, an unknown scheme, or credentials that the protocol cannot carry. The message
 * contains no credentials.
 */
export function normalizeProxyUrl(proxy: string, name = "The proxy URL"): string {
  // Without the second expression, this would be an http proxy on a host named "unix".
  const hasScheme = /^[a-z][a-z\d+.-]*:\/\//i.test(proxy) || /^unix:\//i.test(proxy);
  const url = hasScheme ? proxy : `http://${proxy}`;
  if (!URL.canParse(url)) throw new InvalidUrlError(`${name} is not a valid URL`);
  const problem = findProxyUrlProblem(new URL(url));
  if (problem !== undefined) throw new InvalidUrlError(`${name} ${problem}`);
  return url;
}

function findProxyUrlProblem(url: URL): string | undefined {
  const scheme = proxyScheme(url);
  if (scheme === undefined) {
    const schemes = Object.keys(defaultProxyPorts).map((each) => `${each}://`);
    return `must start with one of ${schemes.join(", ")}, got ${url.protocol}//`;
  }
  if (url.hostname === "") return "has no host";
  const { user, password } = parseCredentials(url) ?? noCredentials;
  if (scheme.startsWith("socks5") && Math.max(user.length, password.length) > maxSocks5Bytes)
    return `has a user or a password of more than ${maxSocks5Bytes} bytes, the maximum of SOCKS5`;
  if (scheme.startsWith("socks4") && user.includes(0))
    return "has a user that contains a zero byte, which SOCKS4 does not allow";
  return undefined;
}

/** Returns the scheme of a proxy's URL; undefined for a scheme that no proxy has. */
export function proxyScheme({ protocol }: URL): ProxyScheme | undefined {
  const name = protocol.slice(0, -1);
  return isProxyScheme(name) ? name : undefined;
}

/**
 * Returns whether a proxy forwards requests for http origins, which carry the complete URL (RFC 9112 §3.2.2). Other proxies
 * open tunnels for every origin.
 */
export function forwardsPlainHttp(proxy: string): boolean {
  return /^https?:/i.test(proxy);
}

/** Returns the percent-decoded credentials of a URL; undefined when it has none. */
export function parseCredentials({ username, password }: URL): Credentials | undefined {
  if (username === "" && password === "") return undefined;
  return { user: percentDecode(username), password: percentDecode(password) };
}

/** Returns the Proxy-Authorization header for the credentials of a proxy's URL (RFC 7617); undefined when it has none. */
export function proxyAuthorization(url: URL): string | undefined {
  const credentials = parseCredentials(url);
  if (credentials === undefined) return undefined;
  const pair = Buffer.concat([credentials.user, Buffer.from(":"), credentials.password]);
  return `Basic ${pair.toString("base64")}`;
}

/** Decodes percent escapes to bytes. A percent sign without two hex digits stays: passwords contain some, rarely encoded. */
export function percentDecode(text: string): Buffer {
  const parts = text.split(/(%[\da-f]{2})/i);
  return Buffer.concat(
    parts.map((part, index) =>
      index % 2 === 1 ? Buffer.from([Number.parseInt(part.slice(1), 16)]) : Buffer.from(part),
    ),
  );
}

/** Returns the host of a URL, an IPv6 address without its brackets. */
export function unbracketedHost({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "");
}

/** Returns the port of an origin's or a proxy's URL, or the default port of its scheme. */
export function effectivePort(url: URL): number {
  if (url.port !== "") return Number(url.port);
  return defaultProxyPorts[proxyScheme(url) ?? "http"];
}
