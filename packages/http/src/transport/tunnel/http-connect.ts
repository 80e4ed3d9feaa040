import type { Duplex } from "node:stream";
import { ProxyError } from "../../errors/transport-errors.ts";
import { connectRequest, parseConnectReply, type ConnectReply } from "./http-connect-codec.ts";
import { connectRefusalReason } from "./proxy-replies.ts";
import { readReply, type ProxyDialogue } from "./reply-reader.ts";

/** A conversation with an http or https proxy. */
export interface HttpConnectContext extends ProxyDialogue {
  /** Host and port, an IPv6 address in brackets. */
  readonly authority: string;
  readonly authorization: string | undefined;
}

/**
 * Has an http or https proxy open a tunnel (RFC 9110 §9.3.6).
 *
 * @throws ProxyError, with the status where the proxy answered; the signal's reason.
 */
export async function openHttpTunnel(socket: Duplex, line: HttpConnectContext): Promise<void> {
  const { authority, authorization, proxy } = line;
  socket.write(connectRequest(authority, authorization));
  const reply = await readReply(socket, parseConnectReply, line);
  if (reply.status < 200 || reply.status >= 300) throw tunnelRefusedError(proxy, reply);
}

function tunnelRefusedError(proxy: string, { status, statusText, headers }: ConnectReply): ProxyError {
  return new ProxyError(`The proxy ${proxy} refused the tunnel: ${status} ${statusText}`.trimEnd(), {
    status,
    reason: connectRefusalReason(status, headers),
    retryAfter: headers["retry-after"],
  });
}
