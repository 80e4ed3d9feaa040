import { isIP } from "node:net";

// As httpbin, ipify, ip-api and others of their kind name it.
const names = ["origin", "ip", "ip_addr", "address", "query"];

/**
 * Finds the address that a site saw a request come from, in the answer of a site that tells: JSON such as
 * `{ "origin": "203.0.113.9" }` or `{ "ip": "..." }`, or the address alone. Where it is the last of a list, the others are
 * what the request said of itself (X-Forwarded-For). Undefined where it is none of these.
 */
export function findExitAddress(text: string): string | undefined {
  const said = text.length > 10_000 ? undefined : (findAddressInJson(text) ?? text);
  const address = said?.split(",").at(-1)?.trim() ?? "";
  return isIP(address) === 0 ? undefined : address;
}

function findAddressInJson(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "string") return value;
    if (typeof value !== "object" || value === null) return undefined;
    const found = names.map((name): unknown => Reflect.get(value, name));
    return found.find((it) => typeof it === "string");
  } catch {
    return undefined;
  }
}
