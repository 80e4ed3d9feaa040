import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Clock } from "@holdfast/policy";
import { ProxyError, TlsError } from "../../errors/transport-errors.ts";
import { forwardsPlainHttp } from "../proxy-url.ts";
import type { ConnectLimits } from "./with-timeout.ts";
import type { Lookup } from "./happy-eyeballs.ts";
import type { ConnectTimings } from "./connect-timings.ts";
import { limitPhases } from "./phase-limits.ts";
import { openTunnel, tunnelTarget } from "../tunnel/tunnel.ts";

/** What opens connections and makes them secure, each for the URL of a proxy or of an origin. */
export interface SocketFactory {
  readonly clock: Clock;
  readonly lookup: Lookup;
  readonly openTcp: (url: URL, signal: AbortSignal, times: ConnectTimings) => Promise<Socket>;
  readonly startTls: (socket: Socket, url: URL, signal: AbortSignal) => Promise<TLSSocket>;
}

/** A way to an origin through a proxy. */
export interface ProxyRoute {
  readonly proxy: URL;
  readonly origin: URL;
  readonly limits: ConnectLimits;
  readonly times: ConnectTimings;
}

/**
 * Connects to an origin through a proxy, which is never gone around: to the proxy, by TLS where it wants that, through a
 * tunnel unless the proxy takes requests for the origin whole, by TLS with an https origin. Whatever fails before the
 * tunnel stands is a ProxyError, and nothing is left open.
 *
 * @throws ProxyError; ConnectTimeoutError and TlsError of the origin; the signal's reason.
 */
export async function connectThroughProxy(
  hands: SocketFactory,
  way: ProxyRoute,
  signal: AbortSignal,
): Promise<Socket> {
  const { proxy, origin, limits, times } = way;
  const travel = limitPhases({
    clock: hands.clock,
    limit: limits.connectLimit,
    phaseLimits: limits.proxyLimits,
    signal,
    proxy: proxy.host,
    origin: origin.host,
  });
  const target = await travel.lookUpOrigin(() => tunnelTarget(proxy, origin, hands.lookup));
  const secure = origin.protocol === "https:";
  let socket: Socket | undefined;
  try {
    socket = await travel.runPhase("connect", (ended) =>
      withProxyError(proxy, ended, hands.openTcp(proxy, ended, times)),
    );
    const plain = socket;
    if (proxy.protocol === "https:")
      socket = await travel.runPhase("tls", (ended) =>
        withProxyError(proxy, ended, hands.startTls(plain, proxy, ended)),
      );
    if (proxy.protocol === "https:") times.phaseEnded("proxy");
    if (!secure && forwardsPlainHttp(proxy.protocol)) return socket;
    const near = socket;
    socket = await travel.runPhase("tunnel", (ended) => openTunnel(near, proxy, { target, signal: ended }));
    times.phaseEnded("proxy");
    if (!secure) return socket;
    const far = socket;
    const secured = await travel.runPhase("origin", (ended) =>
      withTunnelError(proxy, ended, hands.startTls(far, origin, ended)),
    );
    times.phaseEnded("tls");
    return secured;
  } catch (error) {
    socket?.destroy();
    throw error;
  }
}

/** What fails on the way to the proxy is the proxy's fault. */
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

/** A tunnel that is cut during the handshake: by whom cannot be seen. */
async function withTunnelError<T>(proxy: URL, ended: AbortSignal, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (ended.aborted || !(cause instanceof TlsError) || !cutTunnelCodes.has(cause.errno)) throw cause;
    throw new ProxyError(`The tunnel through ${proxy.host} was cut in the TLS handshake (${cause.errno})`, {
      cause,
      reason: "cut",
    });
  }
}

const cutTunnelCodes: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE", "ECONNABORTED"]);
