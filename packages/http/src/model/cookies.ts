import type { Cookie, CookieJar } from "tough-cookie";
import { shorten, stripRootDot } from "@holdfast/policy/internal";
import { normalizeHost } from "../support/host-name.ts";
import {
  CookieSetters,
  compareForHeader,
  cutCookieLine,
  findPrefixProblem,
  formatCookies,
  maxOfResponse,
  maxPathLength,
  shadowsSecure,
} from "./cookie-bounds.ts";
import { JarBounds, listCookies } from "./jar-bounds.ts";
import type { HttpRequest } from "./request.ts";
import type { HttpResponse } from "./response.ts";

/** A cookie of a response that was not stored, without its value. */
export interface RefusedCookie {
  readonly name: string;
  /** Why the jar refused it, in the jar's words. */
  readonly reason: string;
}

// Before the first response, all cookies are the caller's.
const noSetters = new CookieSetters();

/** The cookies of a session (RFC 6265), within the bounds of `cookie-bounds.ts`. tough-cookie is loaded when the first cookie arrives. */
export class Cookies {
  #jar: CookieJar | undefined;
  /** Created with the first cookie of a response. */
  #bounds: JarBounds | undefined;

  /** @param jar a jar to use instead of an empty one. */
  constructor(jar?: CookieJar) {
    this.#jar = jar;
  }

  /** Returns the jar, to read, change or store it. */
  async jar(): Promise<CookieJar> {
    return (this.#jar ??= new (await import("tough-cookie")).CookieJar());
  }

  /**
   * Returns the Cookie header for a request: its own cookies, then those of the jar with other names. Undefined if the jar
   * adds none.
   */
  header({ url, headers }: HttpRequest): string | undefined {
    const stored = this.#jar === undefined ? "" : this.#storedFor(url, this.#jar);
    if (stored === "") return undefined;
    const own = headers["cookie"];
    return own === undefined ? stored : mergeCookies([own].flat().join("; "), stored);
  }

  /** Stores the cookies of a response. Returns those that were refused. */
  async store(response: HttpResponse): Promise<readonly RefusedCookie[]> {
    const lines = response.headers.getSetCookie();
    if (lines.length === 0) return [];
    const jar = await this.jar();
    const { Cookie: parser, defaultPath, getPublicSuffix } = await import("tough-cookie");
    const findSite = (host: string): string | undefined =>
      getPublicSuffix(host, { allowSpecialUseDomain: true, ignoreError: true });
    const bounds = (this.#bounds ??= new JarBounds(jar, findSite));
    const url = new URL(response.url);
    const host = normalizeHost(url.hostname);
    const into: Receiver = {
      jar,
      url,
      parse: (line) => parser.parse(line),
      defaultPath: defaultPath(url.pathname),
      secure: isTrustworthy(url) ? [] : listCookies(jar).filter(({ secure }) => secure),
    };
    const refused = lines.slice(0, maxOfResponse).flatMap((line) => {
      const stored = storeLine(line, into);
      if (stored.cookie !== undefined) bounds.count(stored.cookie, host);
      return stored.reason === undefined ? [] : [describeRefused(line, stored.reason)];
    });
    bounds.enforce(host);
    return [...refused, ...describeTooMany(lines)];
  }

  #storedFor(url: URL, jar: CookieJar): string {
    // Expired cookies are removed with the bounds: here, the store would keep an empty entry for each of their paths.
    const cookies = jar.getCookiesSync(jarUrl(url), { expire: false }).filter(isAlive);
    if (cookies.length === 0) return "";
    const host = normalizeHost(url.hostname);
    return formatCookies(cookies.toSorted(compareForHeader), host, this.#bounds?.setters ?? noSetters);
  }
}

/** Returns the URL by which a jar knows the host of a request. */
function jarUrl(url: URL): string {
  if (!url.hostname.endsWith(".")) return url.href;
  const normal = new URL(url);
  normal.hostname = stripRootDot(url.hostname);
  return normal.href;
}

/** Returns the caller's cookies and, behind them, the stored ones with other names; undefined if there are no such. */
function mergeCookies(own: string, stored: string): string | undefined {
  const given = own.split(";").filter((pair) => pair.trim() !== "");
  const names = new Set(given.map(cookieName));
  const added = stored.split("; ").filter((pair) => !names.has(cookieName(pair)));
  if (added.length === 0) return undefined;
  return [...given.map((pair) => pair.trim()), ...added].join("; ");
}

function cookieName(pair: string): string {
  const [name = ""] = pair.split(/[=;]/, 1);
  return name.trim();
}

/** The jar that receives the cookies of a response. */
interface Receiver {
  readonly jar: CookieJar;
  readonly url: URL;
  readonly parse: (line: string) => Cookie | undefined;
  /** The path of a cookie that names none. */
  readonly defaultPath: string;
  /** The `Secure` cookies that a response over plain http must not replace. */
  readonly secure: readonly Cookie[];
}

/** A stored cookie, or why it was refused. */
type StoredCookie =
  | { readonly cookie: Cookie; readonly reason?: undefined }
  | { readonly reason: string; readonly cookie?: undefined };

/** Returns one report for all cookies of a response that come too late, however many there are. */
function describeTooMany(lines: readonly string[]): readonly RefusedCookie[] {
  const first = lines[maxOfResponse];
  if (first === undefined) return [];
  return [
    describeRefused(first, `A response may set ${maxOfResponse} cookies, and this one set ${lines.length}`),
  ];
}

function describeRefused(line: string, reason: string): RefusedCookie {
  return { name: shorten(cookieName(line), 256), reason };
}

function storeLine(written: string, into: Receiver): StoredCookie {
  const cut = cutCookieLine(written);
  if ("reason" in cut) return cut;
  const problem = findPrefixProblem(cut.line, into.url);
  return problem === undefined ? storeCookie(cut.line, into) : { reason: problem };
}

function storeCookie(line: string, into: Receiver): StoredCookie {
  const host = normalizeHost(into.url.hostname);
  const domain = findDomain(line);
  const hostCookie = withDomain(line, undefined);
  if (domain === undefined) return trySet(line, into);
  // RFC 6265 §5.3 step 5: a public suffix, which any name without a dot is, may set cookies for itself alone.
  if (domain === host && !host.includes(".")) return trySet(hostCookie, into);
  const stored = trySet(withDomain(line, domain), into);
  return stored.reason !== undefined && domain === host ? trySet(hostCookie, into) : stored;
}

function trySet(line: string, { jar, url, parse, defaultPath, secure }: Receiver): StoredCookie {
  try {
    const parsed = parse(line);
    if (parsed === undefined) return { reason: "Cookie failed to parse" };
    const path = parsed.path?.startsWith("/") === true ? parsed.path : defaultPath;
    if (path.length > maxPathLength) return { reason: `Its path is longer than ${maxPathLength} characters` };
    const domain = parsed.cdomain() ?? normalizeHost(url.hostname);
    if (shadowsSecure({ key: parsed.key, domain, path }, secure))
      return { reason: "A cookie of https with the same name is Secure" };
    const cookie = jar.setCookieSync(line, jarUrl(url));
    return cookie === undefined
      ? { reason: "The prefix of its name does not allow its attributes" }
      : { cookie };
  } catch (error) {
    return { reason: shorten(error instanceof Error ? error.message : String(error)) };
  }
}

/** Returns whether a URL is that of a connection that nobody on the way can change: https, or this machine. */
function isTrustworthy({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[::1\])\.?$/.test(hostname);
}

function isAlive(cookie: Cookie): boolean {
  return cookie.TTL() > 0;
}

const domainAttribute = /^\s*domain\s*=\s*\.?(.*)$/is;

/** Returns the last Domain attribute in normal form, without a dot in front; undefined without one (RFC 6265 §5.2.3). */
function findDomain(line: string): string | undefined {
  const domains = line
    .split(";")
    .slice(1)
    .map((attribute) => normalizeHost(domainAttribute.exec(attribute)?.[1] ?? ""));
  return domains.findLast((domain) => domain !== "");
}

/** Replaces the Domain attributes of a cookie. */
function withDomain(line: string, domain: string | undefined): string {
  const [pair = "", ...attributes] = line.split(";");
  const others = attributes.filter((attribute) => !domainAttribute.test(attribute));
  return [pair, ...others, ...(domain === undefined ? [] : [` Domain=${domain}`])].join(";");
}
