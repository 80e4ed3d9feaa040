import { isIP, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { systemClock, type Clock } from "@holdfast/policy";
import { stripRootDot } from "@holdfast/policy/internal";
import { ConnectTimeoutError, type Phase } from "../../errors/transport-errors.ts";
import { normalizeHost } from "../../support/host-name.ts";
import { loadHttp2 } from "../http2/loader.ts";
import { effectivePort, unbracketedHost } from "../proxy-url.ts";
import { createAddressGuard, socketNotAllowedError, type AddressOptions } from "./address-guard.ts";
import { ConnectTimings } from "./connect-timings.ts";
import { connectHappyEyeballs, systemLookup, type TcpTarget } from "./happy-eyeballs.ts";
import type { ProxyRoute, SocketFactory } from "./proxy-connect.ts";
import type { Lookup } from "./shared-lookup.ts";
import { startTlsOn, TlsTickets, type TlsOptions } from "./tls.ts";
import { connectUnixSocket } from "./unix-socket.ts";
import { destroySocket, withTimeout, type ConnectLimits } from "./with-timeout.ts";

/** The options for opening connections. */
export interface ConnectorOptions extends AddressOptions {
  /** Settings of TLS, such as `ca`, `cert` and `key`. @default those of the platform */
  readonly tls?: TlsOptions | undefined;
  /** Offers HTTP/2 in the TLS handshake. @default false */
  readonly http2?: boolean | undefined;
  /**
   * Returns the IP addresses of a host or a proxy, in the order in which to try them.
   * @default the resolver of the system
   */
  readonly lookup?: Lookup | undefined;
  /**
   * IP address of this machine to connect from. Only addresses of its family are connected to.
   * @default chosen by the system
   */
  readonly localAddress?: string | undefined;
  /** The only family of addresses to connect to: 4 or 6. An IP address in a URL is always used. @default both */
  readonly family?: 4 | 6 | undefined;
  /**
   * Path of a Unix socket, or name of a pipe on Windows, to connect to in place of the URL's host. `lookup`, `localAddress` and
   * `family` do not apply, and no proxy is used. @default none
   */
  readonly socketPath?: string | undefined;
  /** Source of time, for tests. @default the clock of the platform */
  readonly clock?: Clock | undefined;
}

/** How a connector opens its connections. */
export interface ConnectorSetup extends ConnectorOptions {
  /** Returns whether to offer HTTP/2 to an origin. @default the option `http2` */
  readonly offersHttp2?: ((origin: URL) => boolean) | undefined;
  /** Opens only tunnels through a proxy, without TLS with the origin. @default false */
  readonly tunnelOnly?: boolean | undefined;
}

/** Opens one connection to an origin, directly or through a proxy, ready for a request. */
export type Connector = (
  origin: URL,
  limits: ConnectLimits,
  signal: AbortSignal,
) => Promise<Socket | TLSSocket>;

/**
 * Creates a connector. It has its own cache of TLS sessions, so that no two proxies share one.
 *
 * The connector rejects with ConnectionError, ConnectTimeoutError, TlsError, ProxyError, or the signal's reason. At that time
 * no part of a request has been sent.
 */
export function createConnector(
  options: ConnectorSetup = {},
  proxy?: URL,
  tickets: TlsTickets = new TlsTickets(),
): Connector {
  const { clock = systemClock, lookup = systemLookup, tls = {}, socketPath } = options;
  const { offersHttp2 = () => options.http2 === true, tunnelOnly } = options;
  const family = options.family ?? familyOf(options.localAddress);
  const sessions = tickets.createCache();
  const guard = createAddressGuard(options);
  const openTcp = createTcpOpener({ ...options, clock, lookup, family, guard }, proxy);
  const startTls = async (socket: Socket, url: URL, signal: AbortSignal): Promise<TLSSocket> => {
    const toProxy = url === proxy;
    const ALPNProtocols = !toProxy && offersHttp2(url) ? ["h2", "http/1.1"] : ["http/1.1"];
    const key = toProxy ? "" : stripRootDot(url.host);
    const session = sessions.get(key);
    const own = toProxy ? proxyTlsOptions(tls) : tls;
    const hostname = normalizeHost(url.hostname);
    const handshake = { ALPNProtocols, hostname, ...(session && { session }), ...own };
    const secured = await startTlsOn(socket, handshake, signal);
    secured.on("session", (ticket: Buffer) => sessions.set(key, ticket));
    return secured;
  };
  const sockets = { clock, lookup, family, guard, openTcp, startTls };
  const connect = (origin: URL, limits: ConnectLimits, signal: AbortSignal): Promise<Socket> => {
    const timings = new ConnectTimings(clock);
    if (proxy !== undefined)
      return connectProxied(sockets, { proxy, origin, limits, timings, tunnelOnly }, signal).then(
        timings.attachToSocket,
        timings.attachToError,
      );
    const { connectLimit: limit } = limits;
    const timeoutError = (): Error =>
      socketPath === undefined
        ? new ConnectTimeoutError(origin.host, limit, currentPhase(origin, timings))
        : new ConnectTimeoutError(socketPath, limit, timings.hasEnded("tcp") ? "tls" : "connect");
    return withTimeout(
      { clock, limit, signal, timeoutError, progress: timings.progress },
      (ended) => connectDirectly(sockets, { origin, timings }, ended),
      destroySocket,
    ).then(timings.attachToSocket, timings.attachToError);
  };
  return async (...how) => {
    const socket = await connect(...how);
    // Outside the limit, because loading a module is not the network's time.
    if ("alpnProtocol" in socket && socket.alpnProtocol === "h2") await loadHttp2();
    return socket;
  };
}

/** Returns the function that opens the plain connection to an origin, a proxy or a Unix socket. */
function createTcpOpener(
  {
    clock,
    lookup,
    family,
    localAddress,
    socketPath,
    guard,
  }: ConnectorOptions & Pick<TcpTarget, "clock" | "lookup" | "guard">,
  proxy: URL | undefined,
): SocketFactory["openTcp"] {
  return (url, signal, { phaseEnded, observeSocket }) => {
    // TLS and tunnels cannot read through the shared buffer.
    const sharedRead = proxy === undefined && url.protocol === "http:";
    if (socketPath !== undefined && guard !== undefined)
      return Promise.reject(socketNotAllowedError(socketPath));
    if (socketPath !== undefined)
      return connectUnixSocket({ socketPath, sharedRead, phaseEnded }, signal).then(observeSocket);
    const [hostname, port] = [unbracketedHost(url), effectivePort(url)];
    // The user chose the proxy, wherever it is.
    const checks = proxy === undefined ? guard : undefined;
    return connectHappyEyeballs(
      { hostname, port, lookup, clock, localAddress, family, sharedRead, phaseEnded, guard: checks },
      signal,
    ).then(observeSocket);
  };
}

/** A connection has one family: an address of this machine cannot reach addresses of the other. */
function familyOf(localAddress: string | undefined): 4 | 6 | undefined {
  const family = isIP(localAddress ?? "");
  return family === 4 || family === 6 ? family : undefined;
}

/** Returns the phase that opening a connection has reached. */
function currentPhase(origin: URL, timings: ConnectTimings): Phase {
  if (timings.hasEnded("tcp")) return "tls";
  return isIP(unbracketedHost(origin)) !== 0 || timings.hasEnded("dns") ? "connect" : "dns";
}

async function connectDirectly(
  { openTcp, startTls }: SocketFactory,
  { origin, timings }: Pick<ProxyRoute, "origin" | "timings">,
  signal: AbortSignal,
): Promise<Socket> {
  const socket = await openTcp(origin, signal, timings);
  if (origin.protocol !== "https:") return socket;
  const secured = await startTls(socket, origin, signal);
  timings.phaseEnded("tls");
  return secured;
}

/** Returns the TLS options for a proxy: without the server name and the client certificate, which are for the origin. */
function proxyTlsOptions({
  ca,
  rejectUnauthorized,
  minVersion,
  maxVersion,
  ciphers,
}: TlsOptions): TlsOptions {
  return { ca, rejectUnauthorized, minVersion, maxVersion, ciphers };
}

/** Loads the code of proxies with the first of them, and before a socket is open that could fail meanwhile. */
async function connectProxied(...how: Parameters<ConnectThroughProxy>): ReturnType<ConnectThroughProxy> {
  const { connectThroughProxy } = await import("./proxy-connect.ts");
  return connectThroughProxy(...how);
}

type ConnectThroughProxy = (
  sockets: SocketFactory,
  route: ProxyRoute,
  signal: AbortSignal,
) => Promise<Socket>;
