import type { Cookie, CookieJar } from "tough-cookie";
import { stripRootDot } from "@holdfast/policy/internal";

/** A cookie of a response that was not stored, without its value. */
export interface RefusedCookie {
  readonly name: string;
  /** Why the jar refused it, in the jar's words. */
  readonly reason: string;
}

/*
 * Bounds on the cookies that a server can make a jar keep and send. Most of the numbers are those of
 * draft-ietf-httpbis-rfc6265bis and of browsers: a host must neither fill the memory, nor push out or crowd out the cookies
 * of another host of its domain.
 */
const maxPairBytes = 4_096;
const maxAttributeBytes = 1_024;
const maxAttributesBytes = 4_096;
/** Cookies of one registrable domain. */
export const maxOfSite = 180;
/** Cookies of a jar. */
export const maxOfJar = 3_000;
/** `Set-Cookie` lines of one response that are read. */
export const maxOfResponse = 180;
/** The longest path of a cookie, in characters. */
export const maxPathLength = 1_024;
const maxSentBytes = 8_192;
// Host-only cookies beyond this number do not keep out those of the other hosts of the domain.
const maxProtectedOfHost = 150;

/** Returns a Set-Cookie line without attributes that are too long (RFC 6265bis §5.6), or why no cookie can be that long. */
export function cutCookieLine(line: string): { readonly line: string } | { readonly reason: string } {
  const [pair = "", ...attributes] = line.split(";");
  if (Buffer.byteLength(pair) > maxPairBytes + 1)
    return { reason: `Its name and value are longer than ${maxPairBytes} bytes` };
  let left = maxAttributesBytes;
  const kept = attributes.filter((attribute) => {
    // The semicolon counts, because there may be a hundred thousand.
    if (attribute.length > maxAttributeBytes || attribute.length >= left) return false;
    left -= attribute.length + 1;
    return true;
  });
  // A copy: a slice would keep the whole head in memory.
  return { line: Buffer.from([pair, ...kept].join(";")).toString() };
}

/** Returns why the prefix of a cookie's name forbids its attributes or its origin (RFC 6265bis §5.7, case-insensitive). */
export function findPrefixProblem(line: string, url: URL): string | undefined {
  const [pair = "", ...attributes] = line.split(";").map((part) => part.trim().toLowerCase());
  const [, prefix] = /^=?\s*__(host|secure)-/.exec(pair) ?? [];
  if (prefix === undefined) return undefined;
  const names = attributes.map((attribute) => attribute.split("=", 1)[0]?.trim());
  const isSecure = url.protocol === "https:" && names.includes("secure") && !pair.startsWith("=");
  const isOfHost =
    !names.includes("domain") && attributes.some((attribute) => /^path\s*=\s*\/$/.test(attribute));
  return isSecure && (prefix === "secure" || isOfHost)
    ? undefined
    : "The prefix of its name does not allow its attributes";
}

/** The hosts that set the cookies of a jar. A cookie that the caller stored counts as set by its domain. */
export class CookieSetters {
  readonly #hosts = new WeakMap<Cookie, string>();

  record(cookie: Cookie, host: string): void {
    this.#hosts.set(cookie, host);
  }

  hostOf(cookie: Cookie): string {
    return this.#hosts.get(cookie) ?? cookie.domain ?? "";
  }
}

/** The cookies of one site or of a whole jar, of which there are too many. */
export interface CrowdedCookies {
  readonly cookies: readonly Cookie[];
  readonly max: number;
  /** For the cookies of one site, the host that set the latest cookie. */
  readonly host?: string | undefined;
  readonly setters: CookieSetters;
}

/**
 * Returns the cookies to remove: first the expired ones, then those of the host that set the most, those without `Secure` before
 * those with it, each in the order of their last use. Of a site, 150 host-only cookies of each other host than `host` stay.
 */
export function chooseEvicted({ cookies, max, host, setters }: CrowdedCookies): readonly Cookie[] {
  const expired = cookies.filter((cookie) => isExpired(cookie));
  const alive = cookies.filter((cookie) => !isExpired(cookie));
  const tooMany = alive.length - max;
  if (tooMany <= 0) return expired;
  const groups = [...Map.groupBy(alive, (cookie) => setters.hostOf(cookie)).values()].map((group) =>
    (host === undefined ? group : withoutProtected(group, host)).toSorted(compareForEviction),
  );
  const evicted: Cookie[] = [];
  while (evicted.length < tooMany) {
    const next = groups.reduce((one, other) => (compareGroups(one, other) <= 0 ? one : other)).shift();
    if (next === undefined) break;
    evicted.push(next);
  }
  return [...expired, ...evicted];
}

/** Orders the groups of hosts: the largest first, of equal ones that with the cookie to evict first. */
function compareGroups(one: readonly Cookie[], other: readonly Cookie[]): number {
  const [first, second] = [one[0], other[0]];
  if (first === undefined || second === undefined) return other.length - one.length;
  return other.length - one.length || compareForEviction(first, second);
}

function withoutProtected(group: readonly Cookie[], host: string): Cookie[] {
  const own = group.filter(({ hostOnly, domain }) => hostOnly === true && domain !== host);
  const open = new Set(group);
  for (const cookie of own.toSorted(compareForEviction).slice(-maxProtectedOfHost)) open.delete(cookie);
  return [...open];
}

function isExpired(cookie: Cookie): boolean {
  return cookie.TTL() <= 0;
}

function compareForEviction(one: Cookie, other: Cookie): number {
  return Number(one.secure) - Number(other.secure) || lastUse(one) - lastUse(other);
}

function lastUse({ lastAccessed, creation }: Cookie): number {
  const date = lastAccessed ?? creation;
  return date instanceof Date ? date.getTime() : 0;
}

/**
 * Returns the value of a Cookie header with at most 8 KiB. Cookies that the host set for itself come before those that other hosts
 * of its domain set, when not all fit.
 */
export function formatCookies(cookies: readonly Cookie[], host: string, setters: CookieSetters): string {
  const pairs = cookies.map((cookie) => ({ cookie, text: cookie.cookieString() }));
  const size = pairs.reduce((sum, { text }) => sum + Buffer.byteLength(text) + 2, -2);
  if (size <= maxSentBytes) return pairs.map(({ text }) => text).join("; ");
  const rank = (cookie: Cookie): number =>
    cookie.hostOnly === true ? 0 : setters.hostOf(cookie) === host ? 1 : 2;
  const fitting = new Set<Cookie>();
  let left = maxSentBytes + 2;
  for (const { cookie, text } of pairs.toSorted((one, other) => rank(one.cookie) - rank(other.cookie))) {
    const bytes = Buffer.byteLength(text) + 2;
    if (bytes > left) continue;
    left -= bytes;
    fitting.add(cookie);
  }
  return pairs
    .filter(({ cookie }) => fitting.has(cookie))
    .map(({ text }) => text)
    .join("; ");
}

/** Orders cookies as in a Cookie header: longer paths first, then older ones (RFC 6265 §5.4 step 2). */
export function compareForHeader(one: Cookie, other: Cookie): number {
  return (
    (other.path?.length ?? 0) - (one.path?.length ?? 0) ||
    creationTime(one) - creationTime(other) ||
    one.creationIndex - other.creationIndex
  );
}

function creationTime({ creation }: Cookie): number {
  return creation instanceof Date ? creation.getTime() : 0;
}

/**
 * Returns whether a response over plain http would replace, delete or shadow a `Secure` cookie (RFC 6265bis §5.7): one of the same
 * name, with a domain that matches that of the new one or the other way round, and a path that contains the new path.
 */
export function shadowsSecure(
  added: Pick<Cookie, "key" | "domain" | "path">,
  secure: readonly Cookie[],
): boolean {
  return secure.some(
    ({ key, domain, path }) =>
      key === added.key &&
      (isWithinDomain(domain, added.domain) || isWithinDomain(added.domain, domain)) &&
      isWithinPath(added.path, path),
  );
}

function isWithinDomain(domain: string | null, parent: string | null): boolean {
  return domain !== null && parent !== null && (domain === parent || domain.endsWith(`.${parent}`));
}

function isWithinPath(path: string | null, parent: string | null): boolean {
  const [inner, outer] = [path ?? "/", parent ?? "/"];
  return inner === outer || inner.startsWith(outer.endsWith("/") ? outer : `${outer}/`);
}

/** Returns the URL by which a jar knows the host of a request. */
export function jarUrl(url: URL): string {
  if (!url.hostname.endsWith(".")) return url.href;
  const normal = new URL(url);
  normal.hostname = stripRootDot(url.hostname);
  return normal.href;
}

/** Returns the name of a cookie pair or a line of Set-Cookie. */
export function cookieName(pair: string): string {
  const [name = ""] = pair.split(/[=;]/, 1);
  return name.trim();
}

/** Returns all cookies of a jar with a synchronous store. */
export function listCookies({ store }: CookieJar): readonly Cookie[] {
  let found: readonly Cookie[] = [];
  store.getAllCookies((_error, cookies) => (found = cookies ?? []));
  return found;
}
