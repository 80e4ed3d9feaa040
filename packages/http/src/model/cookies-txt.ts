import { isUtf8 } from "node:buffer";
import type { CookieJar } from "tough-cookie";
import { listCookies } from "./cookie-bounds.ts";

/**
 * Reads a `cookies.txt` in Netscape's format, as curl, wget and extensions of browsers write it: domain, TRUE for subdomains too,
 * path, TRUE for https only, expiry in seconds since 1970 or 0, name and value, with tabs between them. Expired cookies are left out.
 *
 * @throws TypeError for a line that is not a cookie, with its number.
 */
export async function parseCookiesTxt(text: string): Promise<CookieJar> {
  // Loaded with tough-cookie.
  const { readCookiesTxt } = await import("./read-cookies-txt.ts");
  return readCookiesTxt(text);
}

/** Writes the cookies of a jar in Netscape's format, which curl and wget read. A cookie with a tab or line break cannot be written and is left out. */
export function formatCookiesTxt(jar: CookieJar): string {
  const lines = listCookies(jar).flatMap((cookie) => {
    const { domain, hostOnly, path, secure, httpOnly, key, value } = cookie;
    const expiry = cookie.expiryTime();
    const seconds = expiry === undefined || !Number.isFinite(expiry) ? 0 : Math.floor(expiry / 1_000);
    const host = `${hostOnly === true ? "" : "."}${domain ?? ""}`;
    const texts = [key, value].map(fromSentText);
    const fields = [host, flag(hostOnly !== true), path ?? "/", flag(secure), String(seconds), ...texts];
    if (fields.some((field) => /[\t\r\n]/.test(field))) return [];
    return [(httpOnly ? "#HttpOnly_" : "") + fields.join("\t")];
  });
  return ["# Netscape HTTP Cookie File", ...lines, ""].join("\n");
}

/** Returns a sent text as it is written; unchanged if its bytes are not UTF-8. */
function fromSentText(text: string): string {
  const bytes = Buffer.from(text, "latin1");
  return isUtf8(bytes) ? bytes.toString() : text;
}

function flag(value: boolean): string {
  return value ? "TRUE" : "FALSE";
}
