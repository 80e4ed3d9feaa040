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
 * `user:pass@host:port`, `host:port`, `host:port:user:pass`, and `user:pass:host:port` where it cannot be taken for the
 * form before. An IPv6 address stands in brackets. In a URL, user and password may be percent-encoded; elsewhere they
 * are taken as they are.
 *
 * @throws TypeError that says what is wrong, and quotes nothing: any part may be a credential.
 */
export function parseAddress(text: string): ProxyAddress {
  const [, named, rest = ""] = /^(?:([a-z][a-z\d+.-]*):\/\/)?(.*)$/i.exec(text.trim()) ?? [];
  const scheme = schemeOf(named);
  const bare = rest.replace(/\/$/, "");
  if (/[\s/?#]/.test(bare) && !bare.includes("@"))
    throw new TypeError("there is more than a proxy on the line");
  const at = bare.lastIndexOf("@");
  if (at === -1) return { scheme, ...fromFields(fieldsOf(bare), named === undefined ? undefined : scheme) };
  const decode = named === undefined ? (it: string): string => it : percentDecoded;
  const [username = "", ...password] = fieldsOf(bare.slice(0, at));
  const place = placeOf(fieldsOf(bare.slice(at + 1)), named === undefined ? undefined : scheme);
  return { scheme, ...place, username: decode(username), password: decode(password.join(":")) };
}

/** Gives the URL of a proxy with its credentials, percent-encoded: what a transport is told, and nobody else. */
export function urlOf({ scheme, host, port, username, password }: ProxyAddress): string {
  const pair = [username, password].map(encodeURIComponent).join(":");
  return `${scheme}://${pair === ":" ? "" : `${pair}@`}${host}:${port}`;
}

/** Gives what may be shown of a proxy: no user, no password. */
export function labelOf({ scheme, host, port }: ProxyAddress): string {
  return `${scheme}://${host}:${port}`;
}

type Place = Pick<ProxyAddress, "host" | "port">;

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
  if (!isPort(port)) throw new TypeError("the port is not a number from 1 to 65535");
  return { host: host.toLowerCase(), port: Number(port) };
}

function fromFields(
  fields: readonly string[],
  scheme: ProxyScheme | undefined,
): Omit<ProxyAddress, "scheme"> {
  if (fields.length <= 2) return { ...placeOf(fields, scheme), username: "", password: "" };
  const placeFirst = beginsWithPlace(fields);
  const place = placeFirst ? fields.slice(0, 2) : fields.slice(2);
  const [username = "", ...password] = placeFirst ? fields.slice(2) : fields.slice(0, 2);
  return { ...placeOf(place, scheme), username, password: password.join(":") };
}

/** Whether several fields are `host:port:user:pass`, and not `user:pass:host:port`. */
function beginsWithPlace(fields: readonly string[]): boolean {
  const first = isPlace(fields.slice(0, 2));
  const last = fields.length === 4 && isPlace(fields.slice(2));
  if (first !== last) return first;
  if (!first) throw new TypeError("it is neither host:port:user:pass nor user:pass:host:port");
  const [named, lastNamed] = [isNamed(fields[0]), isNamed(fields[2])];
  if (named === lastNamed)
    throw new TypeError("it reads both as host:port:user:pass and as user:pass:host:port");
  return named;
}

function isPlace([host = "", port = ""]: readonly string[]): boolean {
  return isHost(host) && isPort(port);
}

function isHost(text: string): boolean {
  return /^\[[\da-f:.]+\]$/i.test(text) || /^[a-z\d_](?:[a-z\d._-]*[a-z\d])?$/i.test(text);
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
