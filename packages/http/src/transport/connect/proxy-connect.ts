import { isIPv4, isIPv6, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Clock } from "@holdfast/policy";
import { ProxyError, TlsError } from "../../errors/transport-errors.ts";
import { effectivePort, forwardsPlainHttp, proxyScheme, unbracketedHost } from "../proxy-url.ts";
import { openTunnel, type TunnelTarget } from "../tunnel/tunnel.ts";
import type { AddressGuard } from "./address-guard.ts";
import type { ConnectTimings } from "./connect-timings.ts";
import { noAddressError, resolveAddresses } from "./happy-eyeballs.ts";
import { limitPhases } from "./phase-limits.ts";
import type { Lookup } from "./shared-lookup.ts";
import type { ConnectLimits } from "./with-timeout.ts";

/** Functions that open TCP connections and start TLS, each for the URL of a proxy or of an origin. */
export interface SocketFactory {
  readonly clock: Clock;
  readonly lookup: Lookup;
  readonly family?: 4 | 6 | undefined;
  /** Checks the addresses of origins. */
  readonly guard?: AddressGuard | undefined;
  readonly openTcp: (url: URL, signal: AbortSignal, timings: ConnectTimings) => Promise<Socket>;
  readonly startTls: (socket: Socket, url: URL, signal: AbortSignal) => Promise<TLSSocket>;
}

/** An origin, the proxy to reach it through, and the limits. */
export interface ProxyRoute {
  readonly proxy: URL;
  readonly origin: URL;
  readonly limits: ConnectLimits;
  readonly timings: ConnectTimings;
  /** Opens a tunnel also where the proxy would forward requests, and ends before TLS with the origin. @default false */
  readonly tunnelOnly?: boolean | undefined;
}

/**
 * Connects to an origin through a proxy: TCP to the proxy, TLS when the proxy's URL is https, a tunnel unless the proxy
 * forwards requests for the origin, and TLS with an https origin. There is no fallback to a direct connection.
 *
 * A failure before the tunnel is open is a ProxyError. A failure leaves no connection open.
 *
 * @throws ProxyError; ConnectTimeoutError and TlsError of the origin; the signal's reason.
 */
export async function connectThroughProxy(
  sockets: SocketFactory,
  { proxy, origin, limits, timings, tunnelOnly = false }: ProxyRoute,
  signal: AbortSignal,
): Promise<Socket> {
  const phases = limitPhases({
    clock: sockets.clock,
    limit: limits.connectLimit,
    phaseLimits: limits.proxyLimits,
    signal,
    proxy: proxy.host,
    origin: origin.host,
    progress: timings.progress,
  });
  const isSecure = origin.protocol === "https:";
  const isForwarded = !isSecure && !tunnelOnly && forwardsPlainHttp(proxy.protocol);
  const target = await phases.lookUpOrigin(() =>
    isForwarded ? forwardTarget(origin, sockets) : tunnelTarget(proxy, origin, sockets),
  );
  let socket: Socket | undefined;
  try {
    socket = await phases.runPhase("connect", (ended) =>
      withProxyError(proxy, ended, sockets.openTcp(proxy, ended, timings)),
    );
    if (proxy.protocol === "https:") {
      const plain = socket;
      socket = await phases.runPhase("tls", (ended) =>
        withProxyError(proxy, ended, sockets.startTls(plain, proxy, ended)),
      );
      timings.phaseEnded("proxy");
    }
    if (isForwarded) return socket;
    const toProxy = socket;
    socket = await phases.runPhase("tunnel", (ended) =>
      openTunnel(toProxy, proxy, { target, signal: ended }),
    );
    timings.phaseEnded("proxy");
    if (!isSecure || tunnelOnly) return socket;
    const toOrigin = socket;
    const secured = await phases.runPhase("origin", (ended) =>
      withTunnelError(proxy, ended, sockets.startTls(toOrigin, origin, ended)),
    );
    timings.phaseEnded("tls");
    return secured;
  } catch (error) {
    socket?.destroy();
    throw error;
  }
}

/** Returns the target of requests that the proxy forwards. @throws AddressNotAllowedError when its address is not allowed. */
async function forwardTarget(origin: URL, { guard }: Pick<SocketFactory, "guard">): Promise<TunnelTarget> {
  const host = unbracketedHost(origin);
  await guard?.checkForwarded(host);
  return { host, port: effectivePort(origin) };
}

/**
 * Returns the target to request from a proxy: the origin's name, or for `socks5`, `socks4` and with a guard an address that is
 * looked up here. An IPv4 address is preferred, because the proxy may have no IPv6.
 *
 * @throws ConnectionError of the phase "dns"; AddressNotAllowedError; ProxyError for a target that the proxy's protocol cannot express.
 */
export async function tunnelTarget(
  proxy: URL,
  origin: URL,
  { lookup, clock, family, guard }: Pick<SocketFactory, "lookup" | "clock" | "family" | "guard">,
): Promise<TunnelTarget> {
  const scheme = proxyScheme(proxy);
  const target = { host: unbracketedHost(origin), port: effectivePort(origin) };
  if (guard === undefined && scheme !== "socks5" && scheme !== "socks4")
    return requireSupportedTarget(target, proxy);
  const addresses = await resolveAddresses({ hostname: target.host, lookup, clock, family, guard });
  const host = addresses.find((address) => isIPv4(address)) ?? addresses[0];
  if (host === undefined) throw noAddressError({ hostname: target.host, family });
  return requireSupportedTarget({ ...target, host }, proxy);
}

// RFC 1928 §5: the length of a name is one byte. The longest name in DNS is shorter.
const maxNameBytes = 255;

function requireSupportedTarget(target: TunnelTarget, proxy: URL): TunnelTarget {
  const { protocol, host } = proxy;
  const problem =
    protocol.startsWith("socks4") && isIPv6(target.host)
      ? "SOCKS4 has no IPv6 addresses"
      : protocol.startsWith("socks") && target.host.length > maxNameBytes
        ? `the host name has more than ${maxNameBytes} bytes`
        : undefined;
  if (problem === undefined) return target;
  throw new ProxyError(`The proxy ${host} cannot connect to this target: ${problem}`, {
    reason: "unsupported",
  });
}

/** Converts failures on the way to the proxy to a ProxyError. */
async function withProxyError<T>(proxy: URL, ended: AbortSignal, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (ended.aborted) throw cause;
    const message = `The proxy ${proxy.host} could not be reached`;
    if (!(cause instanceof TlsError)) throw new ProxyError(message, { cause, reason: "unreachable" });
    throw new ProxyError(`${message}: ${cause.message}`, {
      cause,
      reason: cause.certificate ? "certificate" : "tls",
    });
  }
}

/** Converts a tunnel that closes during the origin's TLS handshake to a ProxyError: either side may have closed it. */
async function withTunnelError<T>(proxy: URL, ended: AbortSignal, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (ended.aborted || !(cause instanceof TlsError) || !cutTunnelCodes.has(cause.errno)) throw cause;
    throw new ProxyError(
      `The tunnel through ${proxy.host} closed during the TLS handshake with the origin (${cause.errno})`,
      { cause, reason: "cut" },
    );
  }
}

const cutTunnelCodes: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE", "ECONNABORTED"]);
