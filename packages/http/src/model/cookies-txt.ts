import type { CookieJar } from "tough-cookie";
import { systemClock } from "@holdfast/policy";
import { stripRootDot } from "@holdfast/policy/internal";
import { listCookies } from "./cookie-bounds.ts";

/** The fields of a line. */
interface Row {
  readonly domain: string;
  readonly hostOnly: boolean;
  readonly path: string;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  /** Seconds since 1970; 0 for a cookie of a browser's session. */
  readonly expires: number;
  readonly key: string;
  readonly value: string;
}

const httpOnlyMark = "#HttpOnly_";

/**
 * Reads a `cookies.txt` in Netscape's format, as curl, wget and extensions of browsers write it: domain, TRUE for subdomains too,
 * path, TRUE for https only, expiry in seconds since 1970 or 0, name and value, with tabs between them. Expired cookies are left out.
 *
 * @throws TypeError for a line that is not a cookie, with its number.
 */
export async function parseCookiesTxt(text: string): Promise<CookieJar> {
  const { Cookie: CookieOfJar, CookieJar: Jar } = await import("tough-cookie");
  const jar = new Jar();
  const now = systemClock.date();
  for (const [index, line] of text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .entries()) {
    const row = parseLine(line, index + 1);
    if (row === undefined || (row.expires > 0 && row.expires * 1_000 <= now)) continue;
    const { expires, ...fields } = row;
    const expiry = expires > 0 ? new Date(expires * 1_000) : ("Infinity" as const);
    const created = { creation: new Date(now), lastAccessed: new Date(now) };
    // Not `setCookie`: it would refuse what a browser has accepted from a response over https.
    jar.store.putCookie(new CookieOfJar({ ...fields, ...created, expires: expiry }), () => undefined);
  }
  return jar;
}

const rowPattern =
  /^\.?(?<domain>[^\t]+)\t(?<subdomains>TRUE|FALSE)\t(?<path>\/[^\t]*)\t(?<secure>TRUE|FALSE)\t(?<expires>-?\d+)(?:\.\d+)?\t(?<key>[^\t]*)(?:\t(?<value>[^\t]*))?$/i;

function parseLine(line: string, number: number): Row | undefined {
  const httpOnly = line.startsWith(httpOnlyMark);
  if (line.trim() === "" || (line.startsWith("#") && !httpOnly)) return undefined;
  const fields = rowPattern.exec(httpOnly ? line.slice(httpOnlyMark.length) : line)?.groups;
  if (fields === undefined)
    throw new TypeError(
      `Line ${number} of cookies.txt is not a cookie: expected seven fields with tabs between them (domain, TRUE or FALSE, path, TRUE or FALSE, expiry in seconds, name, value)`,
    );
  const text = (name: string): string => fields[name] ?? "";
  return {
    domain: stripRootDot(text("domain").toLowerCase()),
    hostOnly: !isTrue(text("subdomains")),
    path: text("path"),
    secure: isTrue(text("secure")),
    httpOnly,
    expires: Math.max(0, Number(text("expires"))),
    key: text("key"),
    value: text("value"),
  };
}

function isTrue(text: string): boolean {
  return text.toUpperCase() === "TRUE";
}

/** Writes the cookies of a jar in Netscape's format, which curl and wget read. A cookie with a tab or line break cannot be written and is left out. */
export function formatCookiesTxt(jar: CookieJar): string {
  const lines = listCookies(jar).flatMap((cookie) => {
    const { domain, hostOnly, path, secure, httpOnly, key, value } = cookie;
    const expiry = cookie.expiryTime();
    const seconds = expiry === undefined || !Number.isFinite(expiry) ? 0 : Math.floor(expiry / 1_000);
    const host = `${hostOnly === true ? "" : "."}${domain ?? ""}`;
    const fields = [host, flag(hostOnly !== true), path ?? "/", flag(secure), String(seconds), key, value];
    if (fields.some((field) => /[\t\r\n]/.test(field))) return [];
    return [(httpOnly ? httpOnlyMark : "") + fields.join("\t")];
  });
  return ["# Netscape HTTP Cookie File", ...lines, ""].join("\n");
}

function flag(value: boolean): string {
  return value ? "TRUE" : "FALSE";
}
