import { isIP } from "node:net";

// Field names of httpbin, ipify, ip-api and similar sites.
const addressFields = ["origin", "ip", "ip_addr", "address", "query"];

/**
 * Finds the caller's address in the response of a site such as httpbin: JSON like `{ "origin": "203.0.113.9" }` or
 * `{ "ip": "..." }`, or the bare address. In a list it takes the last one: the request itself supplied the others
 * (X-Forwarded-For). Returns undefined if there is no address.
 */
export function findExitAddress(text: string): string | undefined {
  const candidate = text.length > 10_000 ? undefined : (findAddressInJson(text) ?? text);
  const address = candidate?.split(",").at(-1)?.trim() ?? "";
  return isIP(address) === 0 ? undefined : address;
}

function findAddressInJson(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "string") return value;
    if (typeof value !== "object" || value === null) return undefined;
    const found = addressFields.map((name): unknown => Reflect.get(value, name));
    return found.find((it) => typeof it === "string");
  } catch {
    return undefined;
  }
}
