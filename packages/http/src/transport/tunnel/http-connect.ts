import type { Duplex } from "node:stream";
import { ProxyError } from "../../errors/transport-errors.ts";
import { connectRequest, connectReplyParser, type ConnectReply } from "./http-connect-codec.ts";
import { connectRefusalReason } from "./proxy-replies.ts";
import { readReply, type ProxyDialogue } from "./reply-reader.ts";

/** A dialogue with an http or https proxy. */
export interface HttpDialogue extends ProxyDialogue {
  /** Host and port of the target, an IPv6 address in brackets. */
  readonly authority: string;
  readonly authorization: string | undefined;
}

/**
 * Opens a tunnel through an http or https proxy (RFC 9110 §9.3.6).
 *
 * @throws ProxyError, with the status of the reply if there was one; the signal's reason.
 */
export async function openHttpTunnel(socket: Duplex, dialogue: HttpDialogue): Promise<void> {
  const { authority, authorization, proxy } = dialogue;
  socket.write(connectRequest(authority, authorization));
  const reply = await readReply(socket, connectReplyParser(), dialogue);
  if (reply.status < 200 || reply.status >= 300) throw tunnelRefusedError(proxy, reply);
}

function tunnelRefusedError(proxy: string, { status, statusText, headers }: ConnectReply): ProxyError {
  return new ProxyError(`The proxy ${proxy} refused the tunnel: ${status} ${statusText}`.trimEnd(), {
    status,
    reason: connectRefusalReason(status, headers),
    retryAfter: headers["retry-after"],
  });
}
