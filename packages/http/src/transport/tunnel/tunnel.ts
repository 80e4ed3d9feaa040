import { isIPv4, isIPv6, type Socket } from "node:net";
import { ProxyError } from "../../errors/transport-errors.ts";
import { parseCredentials, proxyAuthorization, proxyScheme } from "../proxy-url.ts";
import { openHttpTunnel } from "./http-connect.ts";
import { resolveAddresses, noAddressError, type Lookup } from "../connect/happy-eyeballs.ts";
import { openSocks4Tunnel, openSocks5Tunnel, type SocksDialogue, type TunnelTarget } from "./socks.ts";
import { unbracketedHost, effectivePort } from "../connect/url-parts.ts";

/**
 * What a proxy is told of an origin: its name, or for `socks5` and `socks4` an address of it that was looked up here, of
 * IPv4 where there is one, because whether the proxy has IPv6 is not known.
 *
 * @throws ConnectionError of the phase "dns"; ProxyError where the proxy cannot be told.
 */
export async function tunnelTarget(proxy: URL, origin: URL, lookup: Lookup): Promise<TunnelTarget> {
  const kind = proxyScheme(proxy);
  const target = { host: unbracketedHost(origin), port: effectivePort(origin) };
  if (kind === "socks5" || kind === "socks4") {
    const addresses = await resolveAddresses({ hostname: target.host, lookup });
    const host = addresses.find((address) => isIPv4(address)) ?? addresses[0];
    if (host === undefined) throw noAddressError(target.host);
    return requireSupportedTarget({ ...target, host }, proxy);
  }
  return requireSupportedTarget(target, proxy);
}

// RFC 1928 §5: the length of a name is one byte. The longest name that DNS has is shorter.
const maxNameBytes = 255;

function requireSupportedTarget(target: TunnelTarget, proxy: URL): TunnelTarget {
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
  const line: SocksDialogue = { proxy: proxy.host, signal, target, credentials: parseCredentials(proxy) };
  const kind = proxyScheme(proxy);
  if (kind === "socks5" || kind === "socks5h") await openSocks5Tunnel(socket, line);
  else if (kind === "socks4" || kind === "socks4a") await openSocks4Tunnel(socket, line);
  else
    await openHttpTunnel(socket, {
      ...line,
      authority: formatAuthority(target),
      authorization: proxyAuthorization(proxy),
    });
  return socket;
}

function formatAuthority({ host, port }: TunnelTarget): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
