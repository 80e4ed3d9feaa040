import { getPublicSuffix, type Cookie, type CookieJar } from "tough-cookie";
import { chooseEvicted, CookieSetters, listCookies, maxOfJar, maxOfSite } from "./cookie-bounds.ts";

/** Keeps the cookies of a jar within bounds. Counts what is set, and lists the jar only when a bound may be exceeded. */
export class JarBounds {
  readonly setters: CookieSetters = new CookieSetters();
  readonly #jar: CookieJar;
  /** At least the number of cookies of each site. */
  #sites: Map<string, number>;
  /** At least the number of cookies. */
  #count: number;
  /** A jar of the caller may have had more from the beginning. */
  readonly #maxOfJar: number;

  constructor(jar: CookieJar) {
    this.#jar = jar;
    const cookies = listCookies(jar);
    this.#maxOfJar = Math.max(maxOfJar, cookies.length);
    this.#sites = this.#countSites(cookies);
    this.#count = cookies.length;
  }

  /** Counts a cookie that a host has set. */
  count(cookie: Cookie, host: string): void {
    this.setters.record(cookie, host);
    const site = siteOf(host);
    this.#sites.set(site, (this.#sites.get(site) ?? 0) + 1);
    this.#count += 1;
  }

  /** Removes cookies beyond the bounds after a host has set some. */
  enforce(host: string): void {
    const site = siteOf(host);
    const isSiteCrowded = (this.#sites.get(site) ?? 0) > maxOfSite;
    if (!isSiteCrowded && this.#count <= this.#maxOfJar) return;
    const { setters } = this;
    const all = listCookies(this.#jar);
    const ofSite = all.filter(({ domain }) => siteOf(domain ?? "") === site);
    const evicted = new Set(chooseEvicted({ cookies: ofSite, max: maxOfSite, host, setters }));
    const kept = all.filter((cookie) => !evicted.has(cookie));
    // A tenth at a time, so that a full jar is not listed for each response.
    const max = Math.floor(this.#maxOfJar * 0.9);
    if (kept.length > this.#maxOfJar)
      for (const cookie of chooseEvicted({ cookies: kept, max, setters })) evicted.add(cookie);
    const left = all.filter((cookie) => !evicted.has(cookie));
    removeCookies(this.#jar, evicted, left);
    this.#sites = this.#countSites(left);
    this.#count = left.length;
  }

  #countSites(cookies: readonly Cookie[]): Map<string, number> {
    const sites = new Map<string, number>();
    for (const { domain } of cookies) {
      const site = siteOf(domain ?? "");
      sites.set(site, (sites.get(site) ?? 0) + 1);
    }
    return sites;
  }
}

/** Returns the registrable domain of a host; of an address or a single label, the host. */
function siteOf(host: string): string {
  return getPublicSuffix(host, { allowSpecialUseDomain: true, ignoreError: true }) ?? host;
}

/** Removes cookies, and the paths and domains that are empty then: a store keeps an entry for each. */
function removeCookies({ store }: CookieJar, evicted: ReadonlySet<Cookie>, left: readonly Cookie[]): void {
  const [domains, paths] = [new Set(left.map(({ domain }) => domain)), new Set(left.map(placeOf))];
  const done = (): void => undefined;
  for (const cookie of evicted) {
    const { domain, path, key } = cookie;
    if (!domains.has(domain)) store.removeCookies(domain ?? "", null, done);
    else if (!paths.has(placeOf(cookie))) store.removeCookies(domain ?? "", path, done);
    else store.removeCookie(domain, path, key, done);
  }
}

function placeOf({ domain, path }: Cookie): string {
  return `${domain} ${path}`;
}
