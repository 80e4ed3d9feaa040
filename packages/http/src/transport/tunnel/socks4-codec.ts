import { isIPv4 } from "node:net";
import type { ProxyReason } from "../../errors/proxy-reason.ts";
import { toAddressBytes } from "./address-bytes.ts";
import { invalid, incomplete, complete, type ParseResult } from "./reply-reader.ts";

/**
 * Returns the request for a connection to an IPv4 address (the SOCKS 4 protocol of Ying-Da Lee) or to a name, which follows an
 * impossible address (SOCKS 4A). Neither user nor name may contain a zero byte.
 */
export function socks4Request(target: { host: string; port: number }, user: Buffer): Buffer {
  const { host, port } = target;
  const isName = !isIPv4(host);
  const address = isName ? Buffer.from([0, 0, 0, 1]) : toAddressBytes(host);
  const name = isName ? Buffer.from(`${host}\0`) : Buffer.alloc(0);
  return Buffer.concat([Buffer.from([4, 1, port >> 8, port & 0xff]), address, user, Buffer.from([0]), name]);
}

const replyLength = 8;

/** Parses the code of the reply. A refusal is complete with its code: some proxies send nothing more. */
export function parseSocks4Reply(bytes: Buffer): ParseResult<number> {
  const [version, code] = bytes;
  // The protocol requires 0. Some proxies send 4.
  if (version !== undefined && version !== 0 && version !== 4) return invalid("it is not SOCKS4");
  if (code === undefined) return incomplete;
  if (code < socks4Granted || code > 93) return invalid(`SOCKS4 has no code ${code}`);
  if (code !== socks4Granted) return complete(code, bytes.length);
  return bytes.length < replyLength ? incomplete : complete(code, replyLength);
}

/** The code of a granted connection. */
export const socks4Granted = 90;

/** Returns the reason for a code other than 90. */
export function socks4Refusal(code: number): { readonly reason: ProxyReason; readonly message: string } {
  if (code === 92) return { reason: "auth", message: "it cannot reach the identd of this machine" };
  if (code === 93) return { reason: "auth", message: "the identd of this machine reports another user" };
  return { reason: "unavailable", message: "rejected or failed" };
}
