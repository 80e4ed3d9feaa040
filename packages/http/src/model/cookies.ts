import type { CookieJar } from "tough-cookie";
import { stripRootDot } from "@holdfast/policy/internal";
import { normalizeHost } from "../support/host-name.ts";
import type { HttpRequest } from "./request.ts";
import type { HttpResponse } from "./response.ts";

/** A cookie of a response that was not stored, without its value. */
export interface RefusedCookie {
  readonly name: string;
  /** Why the jar refused it, in the jar's words. */
  readonly reason: string;
}

/** The cookies of a session (RFC 6265). tough-cookie is loaded when the first cookie arrives. */
export class Cookies {
  #jar: CookieJar | undefined;

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
    const stored = this.#jar?.getCookieStringSync(jarUrl(url)) ?? "";
    if (stored === "") return undefined;
    const own = headers["cookie"];
    return own === undefined ? stored : mergeCookies([own].flat().join("; "), stored);
  }

  /** Stores the cookies of a response. Returns those that were refused. */
  async store(response: HttpResponse): Promise<readonly RefusedCookie[]> {
    const lines = response.headers.getSetCookie();
    if (lines.length === 0) return [];
    const jar = await this.jar();
    const url = new URL(response.url);
    return lines.flatMap((line) => {
      const reason = storeCookie(jar, line, url);
      return reason === undefined ? [] : [{ name: cookieName(line), reason }];
    });
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

/** Stores a cookie. Returns the reason if it is refused. */
function storeCookie(jar: CookieJar, line: string, url: URL): string | undefined {
  const host = normalizeHost(url.hostname);
  const domain = findDomain(line);
  const hostCookie = withDomain(line, undefined);
  if (domain === undefined) return trySet(jar, line, url);
  // RFC 6265 §5.3 step 5: a public suffix, which any name without a dot is, may set cookies for itself alone.
  if (domain === host && !host.includes(".")) return trySet(jar, hostCookie, url);
  const reason = trySet(jar, withDomain(line, domain), url);
  return reason !== undefined && domain === host ? trySet(jar, hostCookie, url) : reason;
}

function trySet(jar: CookieJar, line: string, url: URL): string | undefined {
  try {
    const cookie: unknown = jar.setCookieSync(line, jarUrl(url));
    return cookie === undefined ? "The prefix of its name does not allow its attributes" : undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
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
