import type { Duplex } from "node:stream";
import { ProxyError } from "../../errors/transport-errors.ts";
import type { ProxyReason } from "../../errors/proxy-reason.ts";
import type { Credentials } from "../proxy-url.ts";
import { readReply, type ProxyDialogue } from "./reply-reader.ts";
import { socks4Granted, parseSocks4Reply, socks4Refusal, socks4Request } from "./socks4-codec.ts";
import {
  parseSocks5Authentication,
  parseSocks5Method,
  parseSocks5Reply,
  socks5Authentication,
  socks5Greeting,
  socks5Refusal,
  socks5Request,
} from "./socks5-codec.ts";

/** Where a tunnel is to lead: a name, or an address without brackets. */
export interface TunnelTarget {
  readonly host: string;
  readonly port: number;
}

/** A conversation with a SOCKS proxy. */
export interface SocksDialogue extends ProxyDialogue {
  readonly target: TunnelTarget;
  readonly credentials: Credentials | undefined;
}

/**
 * Has a SOCKS5 proxy connect to the target (RFC 1928, RFC 1929).
 *
 * @throws ProxyError; the signal's reason.
 */
export async function openSocks5Tunnel(socket: Duplex, line: SocksDialogue): Promise<void> {
  const { credentials, target } = line;
  const before: ProxyDialogue = { ...line, targetSent: false };
  socket.write(socks5Greeting(credentials !== undefined));
  const method = await readReply(socket, parseSocks5Method, before);
  if (method === "unacceptable" || (method === "password" && credentials === undefined))
    throw socksRefusedError(line, "auth", "it wants credentials, or others");
  if (method === "password" && credentials !== undefined) {
    socket.write(socks5Authentication(credentials));
    const accepted = await readReply(socket, parseSocks5Authentication, before);
    if (!accepted) throw socksRefusedError(line, "auth", "it does not accept the credentials");
  }
  socket.write(socks5Request(target.host, target.port));
  const reply = await readReply(socket, parseSocks5Reply, line);
  if (reply.ok) return;
  const { reason, said } = socks5Refusal(reply.reply);
  throw socksRefusedError(line, reason, said);
}

/**
 * Has a SOCKS4 or SOCKS4A proxy connect to the target; of the credentials it is told the user alone.
 *
 * @throws ProxyError; the signal's reason.
 */
export async function openSocks4Tunnel(socket: Duplex, line: SocksDialogue): Promise<void> {
  socket.write(socks4Request(line.target, line.credentials?.user ?? Buffer.alloc(0)));
  const code = await readReply(socket, parseSocks4Reply, line);
  if (code === socks4Granted) return;
  const { reason, said } = socks4Refusal(code);
  throw socksRefusedError(line, reason, said);
}

function socksRefusedError(
  { proxy, target: { host, port } }: SocksDialogue,
  reason: ProxyReason,
  said: string,
): ProxyError {
  return new ProxyError(`The proxy ${proxy} opened no connection to ${host}:${port}: ${said}`, { reason });
}
