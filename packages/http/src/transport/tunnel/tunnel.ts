import { isIPv4, isIPv6, type Socket } from "node:net";
import { ProxyError } from "../../errors/transport-errors.ts";
import { credentialsOf, proxyAuthorization, proxyKind } from "../proxy-url.ts";
import { connectTunnel } from "./http-connect.ts";
import { addressesOf, noAddress, type Lookup } from "../connect/happy-eyeballs.ts";
import { socks4Tunnel, socks5Tunnel, type SocksLine, type TunnelTarget } from "./socks.ts";
import { hostOf, portOf } from "../connect/url-parts.ts";

/**
 * What a proxy is told of an origin: its name, or for `socks5` and `socks4` an address of it that was looked up here, of
 * IPv4 where there is one, because whether the proxy has IPv6 is not known.
 *
 * @throws ConnectionError of the phase "dns"; ProxyError where the proxy cannot be told.
 */
export async function tunnelTarget(proxy: URL, origin: URL, lookup: Lookup): Promise<TunnelTarget> {
  const kind = proxyKind(proxy);
  const target = { host: hostOf(origin), port: portOf(origin) };
  if (kind === "socks5" || kind === "socks4") {
    const addresses = await addressesOf({ hostname: target.host, lookup });
    const host = addresses.find((address) => isIPv4(address)) ?? addresses[0];
    if (host === undefined) throw noAddress(target.host);
    return speakable({ ...target, host }, proxy);
  }
  return speakable(target, proxy);
}

// RFC 1928 §5: the length of a name is one byte. The longest name that DNS has is shorter.
const maxNameBytes = 255;

function speakable(target: TunnelTarget, proxy: URL): TunnelTarget {
  const { protocol, host } = proxy;
  const unsaid = protocol.startsWith("socks4") && isIPv6(target.host) ? "an IPv6 address" : undefined;
  const tooLong =
    protocol.startsWith("socks") && target.host.length > maxNameBytes ? "so long a name" : undefined;
  const what = unsaid ?? tooLong;
  if (what === undefined) return target;
  throw new ProxyError(`The proxy ${host} cannot be told ${what} as a target`, { reason: "unsupported" });
}

/**
 * Has a proxy open a tunnel on a connection to it. The bytes behind its last word stay on the socket.
 *
 * @throws ProxyError; the signal's reason.
 */
export async function openTunnel(
  socket: Socket,
  proxy: URL,
  { target, signal }: { readonly target: TunnelTarget; readonly signal: AbortSignal },
): Promise<Socket> {
  const line: SocksLine = { proxy: proxy.host, signal, target, credentials: credentialsOf(proxy) };
  const kind = proxyKind(proxy);
  if (kind === "socks5" || kind === "socks5h") await socks5Tunnel(socket, line);
  else if (kind === "socks4" || kind === "socks4a") await socks4Tunnel(socket, line);
  else
    await connectTunnel(socket, {
      ...line,
      authority: authorityOf(target),
      authorization: proxyAuthorization(proxy),
    });
  return socket;
}

function authorityOf({ host, port }: TunnelTarget): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
