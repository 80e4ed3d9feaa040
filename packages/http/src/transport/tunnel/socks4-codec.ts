import { isIPv4 } from "node:net";
import type { ProxyReason } from "../../errors/proxy-reason.ts";
import { addressBytes } from "./address-bytes.ts";
import { invalid, incomplete, complete, type ParseResult } from "./incremental-parse.ts";

/**
 * Asks for a connection to an IPv4 address (the SOCKS 4 protocol of Ying-Da Lee), or to a name, which stands behind an
 * address that cannot be one (SOCKS 4A). Neither user nor name may have a zero byte.
 */
export function socks4Request(target: { host: string; port: number }, user: Buffer): Buffer {
  const { host, port } = target;
  const named = !isIPv4(host);
  const address = named ? Buffer.from([0, 0, 0, 1]) : addressBytes(host);
  const name = named ? Buffer.from(`${host}\0`) : Buffer.alloc(0);
  return Buffer.concat([Buffer.from([4, 1, port >> 8, port & 0xff]), address, user, Buffer.from([0]), name]);
}

const replyLength = 8;

/** Reads the code of the answer: 90 grants the connection. A refusal needs no more than its code. */
export function parseSocks4Reply(bytes: Buffer): ParseResult<number> {
  const [version, code] = bytes;
  // The protocol says 0; some proxies say 4.
  if (version !== undefined && version !== 0 && version !== 4) return invalid("it does not answer in SOCKS4");
  if (code === undefined) return incomplete;
  if (code < socks4Granted || code > 93)
    return invalid(`it answered with the code ${code}, which SOCKS4 does not have`);
  if (code !== socks4Granted) return complete(code, bytes.length);
  return bytes.length < replyLength ? incomplete : complete(code, replyLength);
}

/** The code that grants a connection. */
export const socks4Granted = 90;

/** What a code that is not 90 means. */
export function socks4Refusal(code: number): { readonly reason: ProxyReason; readonly said: string } {
  if (code === 92) return { reason: "auth", said: "it cannot ask this machine's identd" };
  if (code === 93) return { reason: "auth", said: "this machine's identd names another user" };
  return { reason: "unavailable", said: "rejected or failed" };
}
