import type { Duplex } from "node:stream";
import { ProxyError } from "../../errors/transport-errors.ts";
import type { ProxyReason } from "../../errors/proxy-reason.ts";
import type { Credentials } from "../proxy-url.ts";
import { joiningParser, readReply, type ProxyDialogue } from "./reply-reader.ts";
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

/** The target of a tunnel. */
export interface TunnelTarget {
  /** A name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** A dialogue with a SOCKS proxy. */
export interface SocksDialogue extends ProxyDialogue {
  readonly target: TunnelTarget;
  readonly credentials: Credentials | undefined;
}

/**
 * Opens a tunnel through a SOCKS5 proxy (RFC 1928, RFC 1929).
 *
 * @throws ProxyError; the signal's reason.
 */
export async function openSocks5Tunnel(socket: Duplex, dialogue: SocksDialogue): Promise<void> {
  const { credentials, target } = dialogue;
  const beforeTarget: ProxyDialogue = { ...dialogue, targetSent: false };
  socket.write(socks5Greeting(credentials !== undefined));
  const method = await readReply(socket, joiningParser(parseSocks5Method), beforeTarget);
  if (method === "unacceptable" || (method === "password" && credentials === undefined))
    throw socksRefusedError(dialogue, "auth", "it requires other credentials");
  if (method === "password" && credentials !== undefined) {
    socket.write(socks5Authentication(credentials));
    const accepted = await readReply(socket, joiningParser(parseSocks5Authentication), beforeTarget);
    if (!accepted) throw socksRefusedError(dialogue, "auth", "it rejected the credentials");
  }
  socket.write(socks5Request(target.host, target.port));
  const reply = await readReply(socket, joiningParser(parseSocks5Reply), dialogue);
  if (reply.ok) return;
  const { reason, message } = socks5Refusal(reply.reply);
  throw socksRefusedError(dialogue, reason, message);
}

/**
 * Opens a tunnel through a SOCKS4 or SOCKS4A proxy. The protocol has a user but no password.
 *
 * @throws ProxyError; the signal's reason.
 */
export async function openSocks4Tunnel(socket: Duplex, dialogue: SocksDialogue): Promise<void> {
  socket.write(socks4Request(dialogue.target, dialogue.credentials?.user ?? Buffer.alloc(0)));
  const code = await readReply(socket, joiningParser(parseSocks4Reply), dialogue);
  if (code === socks4Granted) return;
  const { reason, message } = socks4Refusal(code);
  throw socksRefusedError(dialogue, reason, message);
}

function socksRefusedError(
  { proxy, target: { host, port } }: SocksDialogue,
  reason: ProxyReason,
  message: string,
): ProxyError {
  return new ProxyError(`The proxy ${proxy} opened no connection to ${host}:${port}: ${message}`, { reason });
}
