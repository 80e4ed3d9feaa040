import { isHost } from "@holdfast/http/internal";
import type { ProxyEntry, ProxyInput } from "./entry.ts";

/** Parses a proxy in JSON: a URL, an entry, or host and port under the names of vendors' lists. @throws TypeError if it is invalid. */
export function parseJsonEntry(value: unknown): ProxyInput {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null)
    throw new TypeError("a proxy must be a URL or { url, ... }");
  if (isEntry(value)) return value;
  const scheme = textIn(value, "scheme", "protocol") || "http";
  const url = `${scheme}://${hostIn(value)}:${textIn(value, "port")}`;
  const [username, password] = [textIn(value, "username", "user"), textIn(value, "password", "pass")];
  // Ignores other fields of the vendor.
  const own = Object.entries(value).filter(([name]) => ownNames.has(name));
  return { ...Object.fromEntries(own), url, ...(username + password !== "" && { username, password }) };
}

const ownNames: ReadonlySet<string> = new Set([
  "values",
  "credentials",
  "country",
  "weight",
  "maxConcurrent",
  "session",
] satisfies readonly (keyof ProxyEntry)[]);

function isEntry(value: object): value is ProxyEntry {
  return "url" in value && typeof value.url === "string";
}

/** Adds brackets to an IPv6 address. Without them, its last part would be read as the port. */
function hostIn(value: object): string {
  const host = textIn(value, "host", "ip", "hostname", "address", "proxy_address");
  const bracketed = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  if (!isHost(bracketed)) throw new TypeError("the host is not a valid name or IP address");
  return bracketed;
}

function textIn(value: object, ...names: readonly string[]): string {
  const found = names.map((name): unknown => Reflect.get(value, name)).find((it) => it !== undefined);
  return typeof found === "string" || typeof found === "number" ? String(found) : "";
}
