import { isIP, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { systemClock, type Clock } from "@holdfast/policy";
import { ConnectTimeoutError, type Phase } from "../../errors/transport-errors.ts";
import { connectHappyEyeballs, systemLookup, type Lookup } from "./happy-eyeballs.ts";
import { loadHttp2 } from "../http2/loader.ts";
import { ConnectTimings } from "./connect-timings.ts";
import { startTlsOn, TlsSessionCache, type TlsOptions } from "./tls.ts";
import { connectThroughProxy, type SocketFactory, type ProxyRoute } from "./proxy-connect.ts";
import { unbracketedHost, effectivePort } from "./url-parts.ts";
import { destroySocket, withTimeout, type ConnectLimits } from "./with-timeout.ts";

export interface ConnectorOptions {
  readonly tls?: TlsOptions | undefined;
  /** Offers HTTP/2 in the TLS handshake. @default false */
  readonly http2?: boolean | undefined;
  /** Finds the addresses of a host. @default the system's resolver */
  readonly lookup?: Lookup | undefined;
  /** The address that connections leave from. */
  readonly localAddress?: string | undefined;
  readonly clock?: Clock | undefined;
}

/** Opens one connection to an origin, ready for a request, through a proxy where one is named. */
export type Connector = (
  origin: URL,
  limits: ConnectLimits,
  signal: AbortSignal,
) => Promise<Socket | TLSSocket>;

/**
 * Makes a connector with a cache of TLS sessions of its own, so that no two proxies share one.
 *
 * It throws ConnectionError, ConnectTimeoutError, TlsError, ProxyError, or the signal's reason; nothing of a request has
 * been sent by then.
 */
export function createConnector(options: ConnectorOptions = {}, proxy?: URL): Connector {
  const { clock = systemClock, lookup = systemLookup, localAddress, tls = {}, http2 = false } = options;
  const sessions = new TlsSessionCache();
  const openTcp = (url: URL, signal: AbortSignal, times: ConnectTimings): Promise<Socket> => {
    // Neither TLS nor a tunnel reads that way.
    const sharedRead = proxy === undefined && url.protocol === "http:";
    const target = {
      hostname: unbracketedHost(url),
      port: effectivePort(url),
      lookup,
      clock,
      localAddress,
      sharedRead,
    };
    return connectHappyEyeballs({ ...target, phaseEnded: times.phaseEnded }, signal);
  };
  const startTls = async (socket: Socket, url: URL, signal: AbortSignal): Promise<TLSSocket> => {
    const toProxy = url === proxy;
    const ALPNProtocols = http2 && !toProxy ? ["h2", "http/1.1"] : ["http/1.1"];
    const key = toProxy ? "" : url.host;
    const session = sessions.get(key);
    const own = toProxy ? proxyTlsOptions(tls) : tls;
    const hostname = unbracketedHost(url);
    const secured = await startTlsOn(
      socket,
      { ALPNProtocols, hostname, ...(session && { session }), ...own },
      signal,
    );
    secured.on("session", (ticket: Buffer) => sessions.set(key, ticket));
    return secured;
  };
  const factory = { clock, lookup, openTcp, startTls };
  const connect = (origin: URL, limits: ConnectLimits, signal: AbortSignal): Promise<Socket> => {
    const times = new ConnectTimings(clock);
    if (proxy !== undefined)
      return connectThroughProxy(factory, { proxy, origin, limits, times }, signal).then(
        times.attachToSocket,
        times.attachToError,
      );
    const { connectLimit } = limits;
    const late = (): Error => new ConnectTimeoutError(origin.host, connectLimit, currentPhase(origin, times));
    return withTimeout(
      { clock, limit: connectLimit, signal, target: origin.host, timeoutError: late },
      (ended) => connectDirectly(factory, { origin, times }, ended),
      destroySocket,
    ).then(times.attachToSocket, times.attachToError);
  };
  return async (...how) => {
    const socket = await connect(...how);
    // Not within the limit: it is not the network that is slow.
    if ("alpnProtocol" in socket && socket.alpnProtocol === "h2") await loadHttp2();
    return socket;
  };
}

/** What the opening of a connection is at. */
function currentPhase(origin: URL, times: ConnectTimings): Phase {
  if (times.hasEnded("tcp")) return "tls";
  return isIP(unbracketedHost(origin)) !== 0 || times.hasEnded("dns") ? "connect" : "dns";
}

async function connectDirectly(
  { openTcp, startTls }: SocketFactory,
  { origin, times }: Pick<ProxyRoute, "origin" | "times">,
  signal: AbortSignal,
): Promise<Socket> {
  const socket = await openTcp(origin, signal, times);
  if (origin.protocol !== "https:") return socket;
  const secured = await startTls(socket, origin, signal);
  times.phaseEnded("tls");
  return secured;
}

/** What is meant for the origin, its name and the client's certificate, is not for the proxy. */
function proxyTlsOptions({
  ca,
  rejectUnauthorized,
  minVersion,
  maxVersion,
  ciphers,
}: TlsOptions): TlsOptions {
  return { ca, rejectUnauthorized, minVersion, maxVersion, ciphers };
}
