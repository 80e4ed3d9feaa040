import { isIPv4 } from "node:net";

/** A proxy as somebody wrote it down, taken apart; user and password are not percent-encoded. */
export interface ProxyAddress {
  readonly scheme: ProxyScheme;
  /** An IPv6 address stands in brackets. */
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
}

/** What a proxy speaks, in curl's words. */
export type ProxyScheme = "http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h";

const defaultPorts: Readonly<Record<ProxyScheme, number>> = {
  http: 80,
  https: 443,
  socks4: 1080,
  socks4a: 1080,
  socks5: 1080,
  socks5h: 1080,
};

/**
 * Reads a proxy in any of the forms in which they are handed out: `scheme://user:pass@host:port`,
 * `user:pass@host:port`, `host:port`, `host:port:user:pass`, and `user:pass:host:port` and `host:port@user:pass` where
 * they cannot be taken for one before. Commas, semicolons, bars or tabs may stand in the place of the colons, and quotes
 * around it all. An IPv6 address stands in brackets. In a URL, user and password may be percent-encoded; elsewhere they
 * are taken as they are.
 *
 * @throws TypeError that says what is wrong, and quotes nothing: any part may be a credential.
 */
export function parseProxyAddress(text: string): ProxyAddress {
  const whole = unwrapped(text);
  const [, named, rest = ""] = /^(?:([a-z][a-z\d+.-]*):\/\/)?(.*)$/is.exec(whole) ?? [];
  const scheme = schemeOf(named);
  const bare = rest.replace(/\/$/, "");
  const written = named === undefined ? undefined : scheme;
  const at = bare.lastIndexOf("@");
  const found = at === -1 ? fromColumns(bare, written) : fromHalves(bare, at, written);
  return { scheme, ...found };
}

/** Gives the URL of a proxy with its credentials, percent-encoded: what a transport is told, and nobody else. */
export function formatProxyUrl({ scheme, host, port, username, password }: ProxyAddress): string {
  const pair = [username, password].map(encodeURIComponent).join(":");
  return `${scheme}://${pair === ":" ? "" : `${pair}@`}${host}:${port}`;
}

/** Gives what may be shown of a proxy: no user, no password. */
export function formatProxyLabel({ scheme, host, port }: ProxyAddress): string {
  return `${scheme}://${host}:${port}`;
}

type Place = Pick<ProxyAddress, "host" | "port">;
type Parts = Omit<ProxyAddress, "scheme">;

const tooMuch = "there is more than a proxy on the line";
// Whoever copies a list from a page copies these with it.
const unseen = "\\u0000-\\u0008\\u000A-\\u001F\\u007F\\u200B-\\u200F\\u2060\\uFEFF";
const blank = new RegExp(`[\\s${unseen}]`);
const unseenInside = new RegExp(`[${unseen}]`);

// No pattern: one for the end would be tried at each blank inside, and run through all that follow.
function trimmed(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && blank.test(text.charAt(start))) start += 1;
  while (end > start && blank.test(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/** A text without what stands around it. */
function unwrapped(text: string): string {
  const bare = trimmed(text);
  const [, , inside = bare] = /^(["'])(.*)\1,?$/s.exec(bare) ?? [];
  if (unseenInside.test(inside)) throw new TypeError("there is a character in it that cannot be seen");
  // Columns may be empty.
  const hasColumns = /^[^,;:@\s]+([,;])\d+\1/.test(inside);
  if (/[,;]$/.test(inside) && !hasColumns)
    throw new TypeError(
      "it ends in a comma or semicolon; a password that does is written in a URL, as %2C or %3B",
    );
  return inside;
}

/** Reads what has its last @ at that place: behind it, or before the first one, stands host:port; else it belongs to a password. */
function fromHalves(bare: string, at: number, scheme: ProxyScheme | undefined): Parts {
  const before = fieldsOf(bare.slice(0, at));
  const behind = fieldsOf(bare.slice(at + 1));
  const isList = before.length > 2 && isPlace(before.slice(0, 2));
  const isUsual = isWholePlace(behind, scheme);
  if (isList && isUsual && isNamed(before[0]))
    throw new TypeError("it reads both as host:port:user:pass and as user:pass@host:port");
  if (isList && !isUsual) return fromFields(fieldsOf(bare), scheme);
  return (isUsual || scheme !== undefined ? undefined : turnedRound(bare)) ?? usual(before, behind, scheme);
}

function usual(before: readonly string[], behind: readonly string[], scheme: ProxyScheme | undefined): Parts {
  const place = placeOf(behind, scheme);
  const decode = scheme === undefined ? (it: string): string => it : percentDecoded;
  const { username, password } = credentialsOf(before);
  return { ...place, username: decode(username), password: decode(password) };
}

/** Reads `host:port@user:pass`; undefined for what is none. */
function turnedRound(bare: string): Parts | undefined {
  const [front = "", ...credentials] = bare.split("@");
  const place = fieldsOf(front);
  if (place.length !== 2 || !isPlace(place)) return undefined;
  return { ...placeOf(place, undefined), ...credentialsOf(fieldsOf(credentials.join("@"))) };
}

function credentialsOf([username = "", ...rest]: readonly string[]): Pick<Parts, "username" | "password"> {
  const password = rest.join(":");
  // Other words stand before what is a URL, or behind what is a proxy.
  if (/\s/.test(username + password)) throw new TypeError(tooMuch);
  return { username, password };
}

function isWholePlace(fields: readonly string[], scheme: ProxyScheme | undefined): boolean {
  if (fields.length === 1) return scheme !== undefined && isHost(fields[0] ?? "");
  return fields.length === 2 && isPlace(fields);
}

/** Reads what has no @: fields between colons, or between other separators where the first of them is no proxy alone. */
function fromColumns(bare: string, scheme: ProxyScheme | undefined): Parts {
  for (const separator of [",", ";", "|", "\t"]) {
    const columns = bare.split(separator).map((column) => column.trim());
    const parts = columns.length > 1 ? ofColumns(columns, scheme) : undefined;
    if (parts !== undefined) return parts;
  }
  if (/\s/.test(bare)) throw new TypeError(tooMuch);
  return fromFields(fieldsOf(bare), scheme);
}

/** What columns say; undefined where the first of them name no place. */
function ofColumns(columns: readonly string[], scheme: ProxyScheme | undefined): Parts | undefined {
  const [first = "", second = ""] = columns;
  const joined = fieldsOf(first);
  if (joined.length === 2 && isPlace(joined)) return withColumns(joined, columns.slice(1), scheme);
  return isPlace([first, second]) ? withColumns([first, second], columns.slice(2), scheme) : undefined;
}

function withColumns(
  place: readonly string[],
  columns: readonly string[],
  scheme: ProxyScheme | undefined,
): Parts {
  if (columns.length > 2) throw new TypeError("it has more columns than host, port, user and password");
  if (columns.some((each) => isPlace(fieldsOf(each)))) throw new TypeError(tooMuch);
  const pair = columns.length === 1 ? fieldsOf(columns.join("")) : columns;
  return { ...placeOf(place, scheme), ...credentialsOf(pair) };
}

const wrongPort = "the port is not a number from 1 to 65535";

function schemeOf(name = "http"): ProxyScheme {
  const scheme = name.toLowerCase();
  if (isScheme(scheme)) return scheme;
  // What stands before the slashes may be a user's name that lost its way.
  throw new TypeError(`a proxy begins with one of ${Object.keys(defaultPorts).join("://, ")}://`);
}

function isScheme(name: string): name is ProxyScheme {
  return Object.hasOwn(defaultPorts, name);
}

// Stands in for a colon that belongs to a field.
const held = "\uE000";

/** Splits at colons, but not at those of an IPv6 address in brackets or of a placeholder such as `{session:alnum8}`. */
function fieldsOf(text: string): readonly string[] {
  const joined = text.replace(/\{[a-z]\w*:|\[[\da-f:.]+\]/gi, (part) => part.replaceAll(":", held));
  return joined.split(":").map((field) => field.replaceAll(held, ":"));
}

/** `scheme` is given where one was written: then the port may be left out. */
function placeOf([host = "", port, ...more]: readonly string[], scheme: ProxyScheme | undefined): Place {
  if (more.length > 0) throw new TypeError("after the @ stands host:port, an IPv6 address in brackets");
  if (!isHost(host)) throw new TypeError("the host is none");
  if (port === undefined && scheme !== undefined) return { host, port: defaultPorts[scheme] };
  if (port === undefined) throw new TypeError("the port is missing");
  if (!isPort(port)) throw new TypeError(wrongPort);
  return { host: host.toLowerCase(), port: Number(port) };
}

function fromFields(fields: readonly string[], scheme: ProxyScheme | undefined): Parts {
  if (fields.length <= 2) return { ...placeOf(fields, scheme), username: "", password: "" };
  const placeFirst = beginsWithPlace(fields);
  const place = placeFirst ? fields.slice(0, 2) : fields.slice(2);
  return { ...placeOf(place, scheme), ...credentialsOf(placeFirst ? fields.slice(2) : fields.slice(0, 2)) };
}

/** Whether several fields are `host:port:user:pass`, and not `user:pass:host:port`. */
function beginsWithPlace(fields: readonly string[]): boolean {
  const first = isPlace(fields.slice(0, 2));
  const last = fields.length === 4 && isPlace(fields.slice(2));
  if (first !== last) return first;
  if (!first) throw new TypeError(whyNoPlace(fields));
  const [named, lastNamed] = [isNamed(fields[0]), isNamed(fields[2])];
  if (named === lastNamed)
    throw new TypeError("it reads both as host:port:user:pass and as user:pass:host:port");
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

/** Whether a text can be the host of a URL. */
export function isHost(text: string): boolean {
  if (/^[\d.]+$/.test(text)) return isIPv4(text);
  const looksSo = /^\[[\da-f:.]+\]$/i.test(text) || /^[a-z\d_](?:[a-z\d._-]*[a-z\d])?$/i.test(text);
  return looksSo && URL.canParse(`http://${text}/`);
}

function isPlace([host = "", port = ""]: readonly string[]): boolean {
  return isHost(host) && isPort(port);
}

/** Whether a text looks like a host even to one who doesn't know that it stands for one. */
function isNamed(text = ""): boolean {
  return text === "localhost" || text.startsWith("[") || /^[^.]+\..*[^.]$/.test(text);
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}

/** A lone percent sign is itself: passwords have them. */
function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
