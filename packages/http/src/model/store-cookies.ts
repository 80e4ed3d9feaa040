import { Cookie as Parser, defaultPath, type Cookie, type CookieJar } from "tough-cookie";
import { shorten } from "@holdfast/policy/internal";
import { normalizeHost } from "../support/host-name.ts";
import {
  cookieName,
  cutCookieLine,
  findPrefixProblem,
  jarUrl,
  listCookies,
  maxOfResponse,
  maxPathLength,
  shadowsSecure,
  type RefusedCookie,
} from "./cookie-bounds.ts";
import type { JarBounds } from "./jar-bounds.ts";

export { JarBounds } from "./jar-bounds.ts";

/** Stores the cookies of a response, its lines of Set-Cookie. Returns those that were refused. */
export function storeCookies(
  lines: readonly string[],
  { jar, bounds, url }: { readonly jar: CookieJar; readonly bounds: JarBounds; readonly url: URL },
): readonly RefusedCookie[] {
  const host = normalizeHost(url.hostname);
  const into: Receiver = {
    jar,
    url,
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

/** The jar that receives the cookies of a response. */
interface Receiver {
  readonly jar: CookieJar;
  readonly url: URL;
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

function trySet(line: string, { jar, url, defaultPath: usualPath, secure }: Receiver): StoredCookie {
  try {
    const parsed = Parser.parse(line);
    if (parsed === undefined) return { reason: "Cookie failed to parse" };
    const path = parsed.path?.startsWith("/") === true ? parsed.path : usualPath;
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
