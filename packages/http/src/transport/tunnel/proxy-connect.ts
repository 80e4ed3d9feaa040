import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Clock } from "@holdfast/policy";
import { ProxyError, TlsError } from "../../errors/transport-errors.ts";
import { takesRequests } from "../proxy-url.ts";
import type { ConnectLimits } from "../connect/with-timeout.ts";
import type { Lookup } from "../connect/happy-eyeballs.ts";
import type { LegTimes } from "../connect/connect-timings.ts";
import { journey } from "./phase-limits.ts";
import { openTunnel, tunnelTarget } from "./tunnel.ts";

/** What opens connections and makes them secure, each for the URL of a proxy or of an origin. */
export interface Hands {
  readonly clock: Clock;
  readonly lookup: Lookup;
  readonly open: (url: URL, signal: AbortSignal, times: LegTimes) => Promise<Socket>;
  readonly secure: (socket: Socket, url: URL, signal: AbortSignal) => Promise<TLSSocket>;
}

/** A way to an origin through a proxy. */
export interface Way {
  readonly proxy: URL;
  readonly origin: URL;
  readonly limits: ConnectLimits;
  readonly times: LegTimes;
}

/**
 * Connects to an origin through a proxy, which is never gone around: to the proxy, by TLS where it wants that, through a
 * tunnel unless the proxy takes requests for the origin whole, by TLS with an https origin. Whatever fails before the
 * tunnel stands is a ProxyError, and nothing is left open.
 *
 * @throws ProxyError; ConnectTimeoutError and TlsError of the origin; the signal's reason.
 */
export async function throughProxy(hands: Hands, way: Way, signal: AbortSignal): Promise<Socket> {
  const { proxy, origin, limits, times } = way;
  const travel = journey({
    clock: hands.clock,
    limit: limits.connectLimit,
    own: limits.proxyLimits,
    signal,
    proxy: proxy.host,
    origin: origin.host,
  });
  const target = await travel.name(() => tunnelTarget(proxy, origin, hands.lookup));
  const secure = origin.protocol === "https:";
  let socket: Socket | undefined;
  try {
    socket = await travel.leg("connect", (ended) => blamed(proxy, ended, hands.open(proxy, ended, times)));
    const plain = socket;
    if (proxy.protocol === "https:")
      socket = await travel.leg("tls", (ended) => blamed(proxy, ended, hands.secure(plain, proxy, ended)));
    if (proxy.protocol === "https:") times.ended("proxy");
    if (!secure && takesRequests(proxy.protocol)) return socket;
    const near = socket;
    socket = await travel.leg("tunnel", (ended) => openTunnel(near, proxy, { target, signal: ended }));
    times.ended("proxy");
    if (!secure) return socket;
    const far = socket;
    const secured = await travel.leg("origin", (ended) =>
      uncut(proxy, ended, hands.secure(far, origin, ended)),
    );
    times.ended("tls");
    return secured;
  } catch (error) {
    socket?.destroy();
    throw error;
  }
}

/** What fails on the way to the proxy is the proxy's fault. */
async function blamed<T>(proxy: URL, ended: AbortSignal, work: Promise<T>): Promise<T> {
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
async function uncut<T>(proxy: URL, ended: AbortSignal, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (ended.aborted || !(cause instanceof TlsError) || !closings.has(cause.errno)) throw cause;
    throw new ProxyError(`The tunnel through ${proxy.host} was cut in the TLS handshake (${cause.errno})`, {
      cause,
      reason: "cut",
    });
  }
}

const closings: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE", "ECONNABORTED"]);
