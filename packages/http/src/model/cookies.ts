import type { Cookie, CookieJar } from "tough-cookie";
import { normalizeHost } from "../support/host-name.ts";
import {
  compareForHeader,
  cookieName,
  CookieSetters,
  formatCookies,
  jarUrl,
  type RefusedCookie,
} from "./cookie-bounds.ts";
import type { JarBounds } from "./jar-bounds.ts";
import type { HttpRequest } from "./request.ts";
import type { HttpResponse } from "./response.ts";

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
    // Loaded with tough-cookie.
    const { JarBounds, storeCookies } = await import("./store-cookies.ts");
    const bounds = (this.#bounds ??= new JarBounds(jar));
    return storeCookies(lines, { jar, bounds, url: new URL(response.url) });
  }

  #storedFor(url: URL, jar: CookieJar): string {
    // Expired cookies are removed with the bounds: here, the store would keep an empty entry for each of their paths.
    const cookies = jar.getCookiesSync(jarUrl(url), { expire: false }).filter(isAlive);
    if (cookies.length === 0) return "";
    const host = normalizeHost(url.hostname);
    return formatCookies(cookies.toSorted(compareForHeader), host, this.#bounds?.setters ?? noSetters);
  }
}

/** Returns the caller's cookies and, behind them, the stored ones with other names; undefined if there are no such. */
function mergeCookies(own: string, stored: string): string | undefined {
  const given = own.split(";").filter((pair) => pair.trim() !== "");
  const names = new Set(given.map(cookieName));
  const added = stored.split("; ").filter((pair) => !names.has(cookieName(pair)));
  if (added.length === 0) return undefined;
  return [...given.map((pair) => pair.trim()), ...added].join("; ");
}

function isAlive(cookie: Cookie): boolean {
  return cookie.TTL() > 0;
}
