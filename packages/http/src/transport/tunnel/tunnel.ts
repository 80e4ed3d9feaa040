import { isIPv6, type Socket } from "node:net";
import { parseCredentials, proxyAuthorization, proxyScheme } from "../proxy-url.ts";
import { openHttpTunnel } from "./http-connect.ts";
import { openSocks4Tunnel, openSocks5Tunnel, type SocksDialogue, type TunnelTarget } from "./socks.ts";

export type { TunnelTarget } from "./socks.ts";

/**
 * Opens a tunnel through a proxy on a connection to it. Bytes after the proxy's last reply stay on the socket.
 *
 * @throws ProxyError; the signal's reason.
 */
export async function openTunnel(
  socket: Socket,
  proxy: URL,
  { target, signal }: { readonly target: TunnelTarget; readonly signal: AbortSignal },
): Promise<Socket> {
  const dialogue: SocksDialogue = {
    proxy: proxy.host,
    signal,
    target,
    credentials: parseCredentials(proxy),
  };
  const scheme = proxyScheme(proxy);
  if (scheme === "socks5" || scheme === "socks5h") await openSocks5Tunnel(socket, dialogue);
  else if (scheme === "socks4" || scheme === "socks4a") await openSocks4Tunnel(socket, dialogue);
  else
    await openHttpTunnel(socket, {
      ...dialogue,
      authority: formatAuthority(target),
      authorization: proxyAuthorization(proxy),
    });
  return socket;
}

function formatAuthority({ host, port }: TunnelTarget): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
