import { ownValue } from "@holdfast/policy/internal";
import { normalizeHost } from "../../support/host-name.ts";

/**
 * Proxies by purpose: `http`, `https`, `all`, or one host of a scheme, such as `https://api.test` or `all://api.test`.
 * `no_proxy` lists the hosts that connect directly, in the form of the environment variable.
 */
export type ProxyMap = Readonly<Record<string, string | undefined>>;

/** Environment variables, such as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Places that may name a proxy, the strongest first: the request, the environment, the session. */
export interface ProxySources {
  readonly request?: ProxyMap;
  /** Absent if the environment is not trusted. */
  readonly environment?: Environment | undefined;
  readonly session?: ProxyMap;
}

/** Returns the proxy for a URL by the rules of requests; undefined for a direct connection. */
export function proxyFor(
  url: URL,
  { request = {}, environment, session = {} }: ProxySources,
): string | undefined {
  const ambient = environment === undefined ? {} : environmentProxies(environment);
  const bypassed = bypasses(url, request["no_proxy"] ?? ambient["no_proxy"]);
  return findInProxyMap(url, { ...session, ...(bypassed ? {} : ambient), ...request });
}

/** Returns the proxy that a map names for a URL: the host's before the scheme's, the scheme's before `all`. */
export function findInProxyMap(url: URL, proxies: ProxyMap): string | undefined {
  const scheme = url.protocol.slice(0, -1);
  const host = normalizeHost(url.hostname);
  const keys = [`${scheme}://${host}`, scheme, `all://${host}`, "all"];
  return keys.map((key) => proxyNamed(key, proxies)).find((proxy) => proxy !== undefined && proxy !== "");
}

/** Returns the proxy under a key. A host in a key may be written in any form. */
function proxyNamed(key: string, proxies: ProxyMap): string | undefined {
  if (ownValue(proxies, key) !== undefined || !key.includes("://")) return ownValue(proxies, key);
  const written = Object.keys(proxies).find((other) => other.includes("://") && normalizeKey(other) === key);
  return written === undefined ? undefined : ownValue(proxies, written);
}

function normalizeKey(key: string): string {
  const [scheme = "", host = ""] = key.split("://");
  return `${scheme}://${normalizeHost(host)}`;
}

/**
 * Reads `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, in lower case first, then in upper case. `HTTP_PROXY` is
 * not trusted in a CGI program, where a client can set it through a header (CVE-2016-5385, "httpoxy").
 */
export function environmentProxies(environment: Environment): ProxyMap {
  const proxies: Record<string, string> = {};
  const cgi = environment["REQUEST_METHOD"] !== undefined;
  for (const scheme of ["http", "https", "ftp", "all"]) {
    const name = `${scheme}_proxy`;
    // An empty lower-case variable disables the upper-case one, as in urllib.
    const value = environment[name] ?? (cgi && scheme === "http" ? "" : environment[name.toUpperCase()]);
    if (value) proxies[scheme] = value;
  }
  const noProxy = readNoProxy(environment);
  if (noProxy) proxies["no_proxy"] = noProxy;
  return proxies;
}

/** As in requests, an empty lower-case list keeps the hosts of the upper-case one, but not its `*`. */
function readNoProxy({ no_proxy: lower, NO_PROXY: upper }: Environment): string | undefined {
  return lower === "" && upper?.trim() === "*" ? undefined : lower || upper;
}

/**
 * Returns whether a `no_proxy` list names the host of a URL. Entries are separated by commas or white space. A lone `*` names
 * all hosts; `a.test`, `.a.test` and `*.a.test` the host and its subdomains; `a.test:8080` the same on one port, which may be
 * the default port of the scheme; `10.0.0.0/8` the addresses of a network (IPv4).
 */
export function bypasses(url: URL, noProxy: string | undefined): boolean {
  const host = normalizeHost(url.hostname);
  const port = url.port || (ownValue(ownPorts, url.protocol) ?? "");
  if (noProxy?.trim() === "*") return true;
  const entries = (noProxy ?? "").split(/[\s,]+/);
  return entries.some((entry) => entryMatches(entry, host, port));
}

// A URL omits the default port of its scheme.
const ownPorts: Readonly<Record<string, string>> = { "http:": "80", "https:": "443", "ftp:": "21" };

// An IPv6 address with a port has brackets.
const entryWithPort = /^([^:]*|\[.*\]):(\d+)$/;

function entryMatches(entry: string, host: string, port: string): boolean {
  const address = ipv4(host);
  if (address !== undefined && entry.includes("/")) return inNetwork(address, entry);
  const [, written = entry, onPort = port] = entryWithPort.exec(entry) ?? [];
  const name = normalizeHost(written.replace(/^\*?\.+/, ""));
  return name !== "" && onPort === port && (host === name || host.endsWith(`.${name}`));
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
