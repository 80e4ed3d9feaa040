import { Cookie, CookieJar } from "tough-cookie";
import { systemClock } from "@holdfast/policy";
import { stripRootDot } from "@holdfast/policy/internal";

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

/** Returns the cookies of a `cookies.txt`. See `parseCookiesTxt`. */
export function readCookiesTxt(text: string): CookieJar {
  const jar = new CookieJar();
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
    jar.store.putCookie(new Cookie({ ...fields, ...created, expires: expiry }), () => undefined);
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
  // oxlint-disable-next-line no-control-regex -- The pattern looks for control characters.
  if (/[\0-\x1f\x7f]/.test(text("key") + text("value") + text("path")))
    throw new TypeError(`Line ${number} of cookies.txt has a control character, which no cookie can have`);
  return {
    domain: stripRootDot(text("domain").toLowerCase()),
    hostOnly: !isTrue(text("subdomains")),
    path: text("path"),
    secure: isTrue(text("secure")),
    httpOnly,
    expires: Math.max(0, Number(text("expires"))),
    key: toSentText(text("key")),
    value: toSentText(text("value")),
  };
}

/** Returns a text as it is sent: headers have one character for each byte, and browsers send the bytes of UTF-8. */
function toSentText(text: string): string {
  return Buffer.from(text).toString("latin1");
}

function isTrue(text: string): boolean {
  return text.toUpperCase() === "TRUE";
}
