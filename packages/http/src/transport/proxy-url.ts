import { InvalidUrlError } from "../errors/transport-errors.ts";

/**
 * What a proxy speaks. `socks5` and `socks4` are told an address that was looked up here, `socks5h` and `socks4a` the
 * name (curl's words).
 */
export type ProxyScheme = "http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h";

/** A user and a password, as bytes; empty where there is none. */
export interface Credentials {
  readonly user: Buffer;
  readonly password: Buffer;
}

const proxySchemes: readonly ProxyScheme[] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

/**
 * Gives the URL of a proxy as it is used from here on: one without a scheme is an http one, as in requests and curl.
 *
 * @param name what the messages call it.
 * @throws InvalidUrlError for what is no URL, or a proxy of another kind; it names no credentials.
 */
export function normalizeProxyUrl(proxy: string, name = "The proxy's URL"): string {
  const text = /^[a-z][a-z\d+.-]*:\/\//i.test(proxy) ? proxy : `http://${proxy}`;
  if (!URL.canParse(text)) throw new InvalidUrlError(`${name} is not one`);
  const objection = findProxyUrlProblem(new URL(text));
  if (objection !== undefined) throw new InvalidUrlError(`${name} ${objection}`);
  return text;
}

function findProxyUrlProblem(url: URL): string | undefined {
  const kind = proxyScheme(url);
  if (kind === undefined) {
    const spoken = proxySchemes.map((each) => `${each}://`).join(", ");
    return `begins with ${url.protocol}// and not with one of ${spoken}`;
  }
  if (url.hostname === "") return "names no host";
  const { user, password } = parseCredentials(url) ?? noCredentials;
  if (kind.startsWith("socks5") && Math.max(user.length, password.length) > maxSocks5Bytes)
    return `has a user or a password of more than ${maxSocks5Bytes} bytes, which SOCKS5 cannot carry`;
  if (kind.startsWith("socks4") && user.includes(0)) return "has a user that SOCKS4 cannot carry";
  return undefined;
}

// RFC 1929 §2: a length is one byte.
const maxSocks5Bytes = 255;

const noCredentials: Credentials = { user: Buffer.alloc(0), password: Buffer.alloc(0) };

/** What the proxy at a URL speaks; undefined for what is none. */
export function proxyScheme({ protocol }: URL): ProxyScheme | undefined {
  return proxySchemes.find((kind) => protocol === `${kind}:`);
}

/** Whether a proxy takes requests for plain http whole, with the whole URL (RFC 9112 §3.2.2), where others open tunnels. */
export function forwardsPlainHttp(proxy: string): boolean {
  return /^https?:/i.test(proxy);
}

/** The credentials in a proxy's URL, percent-decoded; undefined when it names nobody. */
export function parseCredentials({ username, password }: URL): Credentials | undefined {
  if (username === "" && password === "") return undefined;
  return { user: percentDecode(username), password: percentDecode(password) };
}

/** The Proxy-Authorization that a proxy's URL stands for (RFC 7617); undefined when it names nobody. */
export function proxyAuthorization(url: URL): string | undefined {
  const credentials = parseCredentials(url);
  if (credentials === undefined) return undefined;
  const pair = Buffer.concat([credentials.user, Buffer.from(":"), credentials.password]);
  return `Basic ${pair.toString("base64")}`;
}

/** A lone percent sign stays what it is: a password may have one, and few people encode it. */
function percentDecode(text: string): Buffer {
  const parts = text.split(/(%[\da-f]{2})/i);
  return Buffer.concat(
    parts.map((part, index) =>
      index % 2 === 1 ? Buffer.from([Number.parseInt(part.slice(1), 16)]) : Buffer.from(part),
    ),
  );
}
