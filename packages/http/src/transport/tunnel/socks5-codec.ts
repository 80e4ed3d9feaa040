import { isIPv4, isIPv6 } from "node:net";
import type { Credentials } from "../proxy-url.ts";
import type { ProxyReason } from "../../errors/proxy-reason.ts";
import { addressBytes } from "./address-bytes.ts";
import { invalid, incomplete, complete, type ParseResult } from "./incremental-parse.ts";

/** How a proxy wants to be told who asks (RFC 1928 §3). */
export type Socks5Method = "none" | "password" | "unacceptable";

const noAuthentication = 0x00;
const passwordAuthentication = 0x02;

/** Offers to say nothing, and where there are credentials also to say them (RFC 1928 §3). */
export function socks5Greeting(hasCredentials: boolean): Buffer {
  return Buffer.from(
    hasCredentials ? [5, 2, noAuthentication, passwordAuthentication] : [5, 1, noAuthentication],
  );
}

/** Reads which of the offered ways the proxy took. */
export function parseSocks5Method(bytes: Buffer): ParseResult<Socks5Method> {
  const [version, method] = bytes;
  if (version === undefined) return incomplete;
  if (version !== 5) return invalid("it does not speak SOCKS5");
  if (method === undefined) return incomplete;
  if (method === noAuthentication) return complete("none", 2);
  if (method === passwordAuthentication) return complete("password", 2);
  return method === 0xff
    ? complete("unacceptable", 2)
    : invalid("it took a way to authenticate that was not offered");
}

/** User and password (RFC 1929 §2), each at most 255 bytes. */
export function socks5Authentication({ user, password: secret }: Credentials): Buffer {
  return Buffer.concat([Buffer.from([1, user.length]), user, Buffer.from([secret.length]), secret]);
}

/** Reads whether the proxy took the credentials; any status but 0 is a no (RFC 1929 §2). */
export function parseSocks5Authentication(bytes: Buffer): ParseResult<boolean> {
  const [version, status] = bytes;
  if (version === undefined) return incomplete;
  // Some proxies answer with the version of SOCKS in the place of that of the exchange.
  if (version !== 1 && version !== 5) return invalid("it did not answer to the credentials in SOCKS5");
  return status === undefined ? incomplete : complete(status === 0, 2);
}

/** Asks for a connection to a host, by address or by name (RFC 1928 §4); a name has at most 255 bytes. */
export function socks5Request(host: string, port: number): Buffer {
  return Buffer.concat([Buffer.from([5, 1, 0]), encodeAddress(host), Buffer.from([port >> 8, port & 0xff])]);
}

function encodeAddress(host: string): Buffer {
  if (isIPv4(host)) return Buffer.concat([Buffer.from([1]), addressBytes(host)]);
  if (isIPv6(host)) return Buffer.concat([Buffer.from([4]), addressBytes(host)]);
  const name = Buffer.from(host);
  return Buffer.concat([Buffer.from([3, name.length]), name]);
}

/** What a proxy says of the connection: its own address is of no use and is left out. */
export type Socks5Reply = { readonly ok: true } | { readonly ok: false; readonly reply: number };

const headLength = 4;

/** Reads the answer to the request (RFC 1928 §6). A refusal needs no more than its code: some proxies send no more. */
export function parseSocks5Reply(bytes: Buffer): ParseResult<Socks5Reply> {
  const [version, reply, , type] = bytes;
  if (version !== undefined && version !== 5) return invalid("it does not answer in SOCKS5");
  if (reply === undefined) return incomplete;
  if (reply !== 0) return complete({ ok: false, reply }, bytes.length);
  const address = addressLength(type, bytes[headLength]);
  if (address === undefined)
    return type === undefined || type === 3 ? incomplete : invalid("it names an address of an unknown kind");
  const length = headLength + address + 2;
  return bytes.length < length ? incomplete : complete({ ok: true }, length);
}

function addressLength(type: number | undefined, next: number | undefined): number | undefined {
  if (type === 1) return 4;
  if (type === 4) return 16;
  return type === 3 && next !== undefined ? next + 1 : undefined;
}

/** What a reply that is not 0 means: RFC 1928 §6. */
export function socks5Refusal(reply: number): { readonly reason: ProxyReason; readonly said: string } {
  const [reason, said] = refusals[reply] ?? ["unavailable", `reply ${reply}`];
  return { reason, said };
}

const refusals: Readonly<Record<number, readonly [ProxyReason, string]>> = {
  // What many say of a name that does not exist, microsocks among them.
  1: ["unavailable", "general failure"],
  2: ["refused", "not allowed by its rules"],
  3: ["origin-unreachable", "network unreachable"],
  4: ["origin-unreachable", "host unreachable"],
  5: ["origin-refused", "connection refused"],
  6: ["unavailable", "TTL expired"],
  7: ["unsupported", "command not supported"],
  8: ["unsupported", "kind of address not supported"],
};
