import { isHost } from "@holdfast/http/internal";
import type { ProxyEntry, ProxyInput } from "./entry.ts";

/** A proxy as JSON has it: a URL, an entry, or host and port by the names that vendors' lists use. @throws TypeError for what is none. */
export function parseJsonEntry(value: unknown): ProxyInput {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) throw new TypeError("a proxy is a URL, or { url, ... }");
  if (isEntry(value)) return value;
  const scheme = textIn(value, "scheme", "protocol") || "http";
  const url = `${scheme}://${hostIn(value)}:${textIn(value, "port")}`;
  const [username, password] = [textIn(value, "username", "user"), textIn(value, "password", "pass")];
  // What else a vendor says of a proxy is not ours.
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

/** An IPv6 address gets its brackets: without them a part of it would be taken for the port. */
function hostIn(value: object): string {
  const host = textIn(value, "host", "ip", "hostname", "address", "proxy_address");
  const bracketed = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  if (!isHost(bracketed)) throw new TypeError("the host is none");
  return bracketed;
}

function textIn(value: object, ...names: readonly string[]): string {
  const found = names.map((name): unknown => Reflect.get(value, name)).find((it) => it !== undefined);
  return typeof found === "string" || typeof found === "number" ? String(found) : "";
}
