import { isIPv4, isIPv6 } from "node:net";
import type { Credentials } from "../proxy-url.ts";
import type { ProxyReason } from "../../errors/proxy-reason.ts";
import { toAddressBytes } from "./address-bytes.ts";
import { invalid, incomplete, complete, type ParseResult } from "./reply-reader.ts";

/** The authentication method that a proxy selected (RFC 1928 §3). */
export type Socks5Method = "none" | "password" | "unacceptable";

const noAuthentication = 0x00;
const passwordAuthentication = 0x02;

/** Returns the greeting, which offers no authentication and, with credentials, also user and password (RFC 1928 §3). */
export function socks5Greeting(hasCredentials: boolean): Buffer {
  return Buffer.from(
    hasCredentials ? [5, 2, noAuthentication, passwordAuthentication] : [5, 1, noAuthentication],
  );
}

/** Parses the method that the proxy selected. */
export function parseSocks5Method(bytes: Buffer): ParseResult<Socks5Method> {
  const [version, method] = bytes;
  if (version === undefined) return incomplete;
  if (version !== 5) return invalid("it is not SOCKS5");
  if (method === undefined) return incomplete;
  if (method === noAuthentication) return complete("none", 2);
  if (method === passwordAuthentication) return complete("password", 2);
  return method === 0xff
    ? complete("unacceptable", 2)
    : invalid("it selected an authentication method that was not offered");
}

/** Returns the message with user and password (RFC 1929 §2), each at most 255 bytes. */
export function socks5Authentication({ user, password: secret }: Credentials): Buffer {
  return Buffer.concat([Buffer.from([1, user.length]), user, Buffer.from([secret.length]), secret]);
}

/** Parses whether the proxy accepted the credentials: the status is 0 (RFC 1929 §2). */
export function parseSocks5Authentication(bytes: Buffer): ParseResult<boolean> {
  const [version, status] = bytes;
  if (version === undefined) return incomplete;
  // Some proxies send the version of SOCKS instead of the version of this exchange.
  if (version !== 1 && version !== 5) return invalid("the reply to the credentials is not SOCKS5");
  return status === undefined ? incomplete : complete(status === 0, 2);
}

/** Returns the request for a connection to an address or to a name of at most 255 bytes (RFC 1928 §4). */
export function socks5Request(host: string, port: number): Buffer {
  return Buffer.concat([Buffer.from([5, 1, 0]), encodeAddress(host), Buffer.from([port >> 8, port & 0xff])]);
}

function encodeAddress(host: string): Buffer {
  if (isIPv4(host)) return Buffer.concat([Buffer.from([1]), toAddressBytes(host)]);
  if (isIPv6(host)) return Buffer.concat([Buffer.from([4]), toAddressBytes(host)]);
  const name = Buffer.from(host);
  return Buffer.concat([Buffer.from([3, name.length]), name]);
}

/** The reply to the request, without the address that the proxy connects from. */
export type Socks5Reply = { readonly ok: true } | { readonly ok: false; readonly reply: number };

const headLength = 4;

/** Parses the reply to the request (RFC 1928 §6). A refusal is complete with its code: some proxies send nothing more. */
export function parseSocks5Reply(bytes: Buffer): ParseResult<Socks5Reply> {
  const [version, reply, , type] = bytes;
  if (version !== undefined && version !== 5) return invalid("it is not SOCKS5");
  if (reply === undefined) return incomplete;
  if (reply !== 0) return complete({ ok: false, reply }, bytes.length);
  const address = addressLength(type, bytes[headLength]);
  if (address === undefined)
    return type === undefined || type === 3
      ? incomplete
      : invalid("it contains an address of an unknown type");
  const length = headLength + address + 2;
  return bytes.length < length ? incomplete : complete({ ok: true }, length);
}

function addressLength(type: number | undefined, next: number | undefined): number | undefined {
  if (type === 1) return 4;
  if (type === 4) return 16;
  return type === 3 && next !== undefined ? next + 1 : undefined;
}

/** Returns the reason for a reply other than 0 (RFC 1928 §6). */
export function socks5Refusal(reply: number): { readonly reason: ProxyReason; readonly message: string } {
  const [reason, message] = refusals[reply] ?? ["unavailable", `reply ${reply}`];
  return { reason, message };
}

const refusals: Readonly<Record<number, readonly [ProxyReason, string]>> = {
  // Many proxies, such as microsocks, send it for a name that does not exist.
  1: ["unavailable", "general failure"],
  2: ["refused", "not allowed by its rules"],
  3: ["origin-unreachable", "network unreachable"],
  4: ["origin-unreachable", "host unreachable"],
  5: ["origin-refused", "connection refused"],
  6: ["unavailable", "TTL expired"],
  7: ["unsupported", "command not supported"],
  8: ["unsupported", "address type not supported"],
};
