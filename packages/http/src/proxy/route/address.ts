import { isUtf8 } from "node:buffer";
import { isIPv4 } from "node:net";
import {
  defaultProxyPorts,
  isProxyScheme,
  percentDecode,
  type ProxyScheme,
} from "../../transport/proxy-url.ts";

/** The parts of a proxy. User and password are not percent-encoded. */
export interface ProxyAddress {
  readonly scheme: ProxyScheme;
  /** An IPv6 address has brackets. */
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
}

/**
 * Parses a proxy in any common form: `scheme://user:pass@host:port`, `user:pass@host:port`, `host:port`,
 * `host:port:user:pass`, and, if unambiguous, `user:pass:host:port` and `host:port@user:pass`. Commas, semicolons, bars
 * or tabs may replace the colons, and quotes may enclose everything. An IPv6 address has brackets. In a URL, user and
 * password may be percent-encoded; in other forms they are literal.
 *
 * @throws TypeError with the reason, which quotes nothing: any part may be a credential.
 */
export function parseProxyAddress(text: string): ProxyAddress {
  const whole = unwrapped(text);
  const [, named, rest = ""] = /^(?:([a-z][a-z\d+.-]*):\/\/)?(.*)$/is.exec(whole) ?? [];
  const scheme = parseScheme(named);
  const bare = rest.replace(/\/$/, "");
  const written = named === undefined ? undefined : scheme;
  const at = bare.lastIndexOf("@");
  const found = at === -1 ? fromColumns(bare, written) : fromHalves(bare, at, written);
  return { scheme, ...found };
}

/** Returns the URL of a proxy with percent-encoded credentials, for the transport only. */
export function formatProxyUrl({ scheme, host, port, username, password }: ProxyAddress): string {
  const pair = [username, password].map(encodeURIComponent).join(":");
  return `${scheme}://${pair === ":" ? "" : `${pair}@`}${host}:${port}`;
}

/** Returns the label of a proxy, without credentials. */
export function formatProxyLabel({ scheme, host, port }: ProxyAddress): string {
  return `${scheme}://${host}:${port}`;
}

type Place = Pick<ProxyAddress, "host" | "port">;
type Parts = Omit<ProxyAddress, "scheme">;

const tooMuch = "the line contains more than a proxy";
// Invisible characters that are copied from web pages.
const unseen = "\\u0000-\\u0008\\u000A-\\u001F\\u007F\\u200B-\\u200F\\u2060\\uFEFF";
const blank = new RegExp(`[\\s${unseen}]`);
const unseenInside = new RegExp(`[${unseen}]`);

// A regular expression for the end would be quadratic in the number of blanks.
function trimmed(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && blank.test(text.charAt(start))) start += 1;
  while (end > start && blank.test(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/** Removes surrounding blanks and quotes. */
function unwrapped(text: string): string {
  const bare = trimmed(text);
  const [, , inside = bare] = /^(["'])(.*)\1,?$/s.exec(bare) ?? [];
  if (unseenInside.test(inside)) throw new TypeError("it contains an invisible character");
  // Columns may be empty.
  const hasColumns = /^[^,;:@\s]+([,;])\d+\1/.test(inside);
  if (/[,;]$/.test(inside) && !hasColumns)
    throw new TypeError("it ends in a comma or semicolon; write such a password in a URL, as %2C or %3B");
  return inside;
}

/** Splits at the last @: host:port is behind it, or before the first one. Otherwise the @ belongs to a password. */
function fromHalves(bare: string, at: number, scheme: ProxyScheme | undefined): Parts {
  const before = splitFields(bare.slice(0, at));
  const behind = splitFields(bare.slice(at + 1));
  const isList = before.length > 2 && isPlace(before.slice(0, 2));
  const isUsual = isWholePlace(behind, scheme);
  if (isList && isUsual && isNamed(before[0]))
    throw new TypeError("it can be read both as host:port:user:pass and as user:pass@host:port");
  if (isList && !isUsual) return fromFields(splitFields(bare), scheme);
  return (isUsual || scheme !== undefined ? undefined : turnedRound(bare)) ?? usual(before, behind, scheme);
}

function usual(before: readonly string[], behind: readonly string[], scheme: ProxyScheme | undefined): Parts {
  const place = parsePlace(behind, scheme);
  const decode = scheme === undefined ? (it: string): string => it : decodeText;
  const { username, password } = toCredentials(before);
  return { ...place, username: decode(username), password: decode(password) };
}

/** Parses `host:port@user:pass`; undefined if it is something else. */
function turnedRound(bare: string): Parts | undefined {
  const [front = "", ...credentials] = bare.split("@");
  const place = splitFields(front);
  if (place.length !== 2 || !isPlace(place)) return undefined;
  return { ...parsePlace(place, undefined), ...toCredentials(splitFields(credentials.join("@"))) };
}

function toCredentials([username = "", ...rest]: readonly string[]): Pick<Parts, "username" | "password"> {
  const password = rest.join(":");
  // Text around the proxy.
  if (/\s/.test(username + password)) throw new TypeError(tooMuch);
  return { username, password };
}

function isWholePlace(fields: readonly string[], scheme: ProxyScheme | undefined): boolean {
  if (fields.length === 1) return scheme !== undefined && isHost(fields[0] ?? "");
  return fields.length === 2 && isPlace(fields);
}

/** Parses a string without @: fields between colons, or between other separators. */
function fromColumns(bare: string, scheme: ProxyScheme | undefined): Parts {
  for (const separator of [",", ";", "|", "\t"]) {
    const columns = bare.split(separator).map((column) => column.trim());
    const parts = columns.length > 1 ? parseColumns(columns, scheme) : undefined;
    if (parts !== undefined) return parts;
  }
  if (/\s/.test(bare)) throw new TypeError(tooMuch);
  return fromFields(splitFields(bare), scheme);
}

/** Parses columns; undefined if the first ones are not a host and a port. */
function parseColumns(columns: readonly string[], scheme: ProxyScheme | undefined): Parts | undefined {
  const [first = "", second = ""] = columns;
  const joined = splitFields(first);
  if (joined.length === 2 && isPlace(joined)) return withColumns(joined, columns.slice(1), scheme);
  return isPlace([first, second]) ? withColumns([first, second], columns.slice(2), scheme) : undefined;
}

function withColumns(
  place: readonly string[],
  columns: readonly string[],
  scheme: ProxyScheme | undefined,
): Parts {
  if (columns.length > 2) throw new TypeError("it has more columns than host, port, user and password");
  if (columns.some((each) => isPlace(splitFields(each)))) throw new TypeError(tooMuch);
  const pair = columns.length === 1 ? splitFields(columns.join("")) : columns;
  return { ...parsePlace(place, scheme), ...toCredentials(pair) };
}

const wrongPort = "the port is not a number from 1 to 65535";

function parseScheme(name = "http"): ProxyScheme {
  const scheme = name.toLowerCase();
  if (isProxyScheme(scheme)) return scheme;
  // The text before the slashes may be a user name, so it is not quoted.
  throw new TypeError(`a proxy must begin with one of ${Object.keys(defaultProxyPorts).join("://, ")}://`);
}

// Replaces a colon that belongs to a field.
const colonStandIn = "\uE000";

/** Splits at colons, except those of an IPv6 address in brackets or of a placeholder such as `{session:alnum8}`. */
function splitFields(text: string): readonly string[] {
  const joined = text.replace(/\{[a-z]\w*:|\[[\da-f:.]+\]/gi, (part) => part.replaceAll(":", colonStandIn));
  return joined.split(":").map((field) => field.replaceAll(colonStandIn, ":"));
}

/** `scheme` is defined if the text has one: then the port is optional. */
function parsePlace([host = "", port, ...more]: readonly string[], scheme: ProxyScheme | undefined): Place {
  if (more.length > 0)
    throw new TypeError("the part after the @ must be host:port, with an IPv6 address in brackets");
  if (!isHost(host)) throw new TypeError("the host is not a valid name or IP address");
  if (port === undefined && scheme !== undefined) return { host, port: defaultProxyPorts[scheme] };
  if (port === undefined) throw new TypeError("the port is missing");
  if (!isPort(port)) throw new TypeError(wrongPort);
  return { host: host.toLowerCase(), port: Number(port) };
}

function fromFields(fields: readonly string[], scheme: ProxyScheme | undefined): Parts {
  if (fields.length <= 2) return { ...parsePlace(fields, scheme), username: "", password: "" };
  const placeFirst = beginsWithPlace(fields);
  const place = placeFirst ? fields.slice(0, 2) : fields.slice(2);
  return {
    ...parsePlace(place, scheme),
    ...toCredentials(placeFirst ? fields.slice(2) : fields.slice(0, 2)),
  };
}

/** Returns whether several fields are `host:port:user:pass`, and not `user:pass:host:port`. */
function beginsWithPlace(fields: readonly string[]): boolean {
  const first = isPlace(fields.slice(0, 2));
  const last = fields.length === 4 && isPlace(fields.slice(2));
  if (first !== last) return first;
  if (!first) throw new TypeError(whyNoPlace(fields));
  const [named, lastNamed] = [isNamed(fields[0]), isNamed(fields[2])];
  if (named === lastNamed)
    throw new TypeError("it can be read both as host:port:user:pass and as user:pass:host:port");
  return named;
}

function whyNoPlace(fields: readonly string[]): string {
  const [first = "", second = ""] = fields;
  if (isHost(first) && isNamed(first) && /^\d+$/.test(second)) return wrongPort;
  const neither = "it is neither host:port:user:pass nor user:pass:host:port";
  return fields[0] === "" || fields.slice(1, -1).includes("")
    ? `${neither}; an IPv6 address stands in brackets`
    : neither;
}

/** Returns whether a string can be the host of a URL. */
export function isHost(text: string): boolean {
  if (/^[\d.]+$/.test(text)) return isIPv4(text);
  const looksSo = /^\[[\da-f:.]+\]$/i.test(text) || /^[a-z\d_](?:[a-z\d._-]*[a-z\d])?$/i.test(text);
  return looksSo && URL.canParse(`http://${text}/`);
}

function isPlace([host = "", port = ""]: readonly string[]): boolean {
  return isHost(host) && isPort(port);
}

/** Returns whether a string looks like a host on its own. */
function isNamed(text = ""): boolean {
  return text === "localhost" || text.startsWith("[") || /^[^.]+\..*[^.]$/.test(text);
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}

/** Decodes percent-encoding; bytes that are not UTF-8 leave the text as it is. */
function decodeText(text: string): string {
  const decoded = percentDecode(text);
  return isUtf8(decoded) ? decoded.toString() : text;
}
