/**
 * Proxies by what they are for: `http`, `https`, `all`, or one host of a scheme, such as `https://api.test` or
 * `all://api.test`. `no_proxy` lists the hosts that need none.
 */
export type ProxyMap = Readonly<Record<string, string | undefined>>;

/** The variables of an environment, such as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where proxies may be named, the strongest first: with the request, in the environment, on the session. */
export interface ProxySources {
  readonly request?: ProxyMap;
  /** Left out when the environment is not to be trusted. */
  readonly environment?: Environment | undefined;
  readonly session?: ProxyMap;
}

/** Gives the proxy for a URL, or undefined to go directly, by the rules of requests. */
export function proxyFor(
  url: URL,
  { request = {}, environment, session = {} }: ProxySources,
): string | undefined {
  const ambient = environment === undefined ? {} : environmentProxies(environment);
  const bypassed = bypasses(url, request["no_proxy"] ?? ambient["no_proxy"]);
  return findInProxyMap(url, { ...session, ...(bypassed ? {} : ambient), ...request });
}

/** Gives the proxy that a map names for a URL: the host's own before the scheme's, the scheme's before `all`. */
export function findInProxyMap(url: URL, proxies: ProxyMap): string | undefined {
  const scheme = url.protocol.slice(0, -1);
  const host = hostOf(url);
  const keys = [`${scheme}://${host}`, scheme, `all://${host}`, "all"];
  return keys.map((key) => proxies[key]).find((proxy) => proxy !== undefined && proxy !== "");
}

/**
 * Reads `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` in either case, the lower one first. `HTTP_PROXY` is not
 * trusted in a CGI program, where a client can set it by a header (CVE-2016-5385, "httpoxy").
 */
export function environmentProxies(environment: Environment): ProxyMap {
  const proxies: Record<string, string> = {};
  const cgi = environment["REQUEST_METHOD"] !== undefined;
  for (const scheme of ["http", "https", "ftp", "all"]) {
    const name = `${scheme}_proxy`;
    // An empty one in lower case undoes the other, as in urllib.
    const value = environment[name] ?? (cgi && scheme === "http" ? "" : environment[name.toUpperCase()]);
    if (value) proxies[scheme] = value;
  }
  const noProxy = noProxyOf(environment);
  if (noProxy) proxies["no_proxy"] = noProxy;
  return proxies;
}

/** As in requests, an empty list in lower case leaves the hosts of the other in force, but not its `*`. */
function noProxyOf({ no_proxy: lower, NO_PROXY: upper }: Environment): string | undefined {
  return lower === "" && upper?.trim() === "*" ? undefined : lower || upper;
}

/**
 * Whether a `no_proxy` list, parted by commas or white space, names the host of a URL: a lone `*` names all, `a.test`, `.a.test`
 * and `*.a.test` the host and all below it, `a.test:8080` the same on one port, which may be the one that the scheme has anyway,
 * `10.0.0.0/8` the addresses of a network (IPv4).
 */
export function bypasses(url: URL, noProxy: string | undefined): boolean {
  const host = hostOf(url);
  const withPort = `${host}:${url.port || (ownPorts[url.protocol] ?? "")}`;
  if (noProxy?.trim() === "*") return true;
  const entries = (noProxy ?? "").toLowerCase().split(/[\s,]+/);
  return entries.some((entry) => entry !== "" && names(entry, host, withPort));
}

// A URL leaves out the port that its scheme has anyway.
const ownPorts: Readonly<Record<string, string>> = { "http:": "80", "https:": "443", "ftp:": "21" };

function names(entry: string, host: string, withPort: string): boolean {
  const address = ipv4(host);
  if (address !== undefined && entry.includes("/")) return inNetwork(address, entry);
  const name = entry.replace(/^\*?\.+/, "").replace(/^\[(.*)\]$/, "$1");
  return [host, withPort].some((it) => it === name || it.endsWith(`.${name}`));
}

/** Lower case, an IPv6 address without its brackets. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, "$1").toLowerCase();
}

function inNetwork(address: number, network: string): boolean {
  const [, base = "", length = ""] = /^([\d.]+)\/(\d{1,2})$/.exec(network) ?? [];
  const start = ipv4(base);
  const bits = Number(length);
  if (start === undefined || length === "" || bits < 1 || bits > 32) return false;
  const size = 2 ** (32 - bits);
  return Math.floor(address / size) === Math.floor(start / size);
}

function ipv4(text: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}
