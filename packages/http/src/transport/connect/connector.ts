import { isIP, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { systemClock, type Clock } from "@holdfast/policy";
import { ConnectTimeoutError, type Phase } from "../../errors/transport-errors.ts";
import { connectAny, systemLookup, type Lookup } from "./happy-eyeballs.ts";
import { loadHttp2 } from "../http2/loader.ts";
import { LegTimes } from "./connect-timings.ts";
import { handshake, TlsSessions, type TlsOptions } from "./tls.ts";
import { throughProxy, type Hands, type Way } from "../tunnel/proxy-connect.ts";
import { hostOf, portOf } from "./url-parts.ts";
import { destroy, within, type ConnectLimits } from "./with-timeout.ts";

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
export function connector(options: ConnectorOptions = {}, proxy?: URL): Connector {
  const { clock = systemClock, lookup = systemLookup, localAddress, tls = {}, http2 = false } = options;
  const sessions = new TlsSessions();
  const open = (url: URL, signal: AbortSignal, times: LegTimes): Promise<Socket> => {
    // Neither TLS nor a tunnel reads that way.
    const sharedRead = proxy === undefined && url.protocol === "http:";
    const target = { hostname: hostOf(url), port: portOf(url), lookup, clock, localAddress, sharedRead };
    return connectAny({ ...target, legEnded: times.ended }, signal);
  };
  const secure = async (socket: Socket, url: URL, signal: AbortSignal): Promise<TLSSocket> => {
    const toProxy = url === proxy;
    const ALPNProtocols = http2 && !toProxy ? ["h2", "http/1.1"] : ["http/1.1"];
    const key = toProxy ? "" : url.host;
    const session = sessions.of(key);
    const own = toProxy ? forProxy(tls) : tls;
    const hostname = hostOf(url);
    const secured = await handshake(
      socket,
      { ALPNProtocols, hostname, ...(session && { session }), ...own },
      signal,
    );
    secured.on("session", (ticket: Buffer) => sessions.keep(key, ticket));
    return secured;
  };
  const hands = { clock, lookup, open, secure };
  const connect = (origin: URL, limits: ConnectLimits, signal: AbortSignal): Promise<Socket> => {
    const times = new LegTimes(clock);
    if (proxy !== undefined)
      return throughProxy(hands, { proxy, origin, limits, times }, signal).then(times.of, times.brokeOff);
    const { connectLimit } = limits;
    const late = (): Error => new ConnectTimeoutError(origin.host, connectLimit, phaseAt(origin, times));
    return within(
      { clock, limit: connectLimit, signal, target: origin.host, late },
      (ended) => directly(hands, { origin, times }, ended),
      destroy,
    ).then(times.of, times.brokeOff);
  };
  return async (...how) => {
    const socket = await connect(...how);
    // Not within the limit: it is not the network that is slow.
    if ("alpnProtocol" in socket && socket.alpnProtocol === "h2") await loadHttp2();
    return socket;
  };
}

/** What the opening of a connection is at. */
function phaseAt(origin: URL, times: LegTimes): Phase {
  if (times.has("tcp")) return "tls";
  return isIP(hostOf(origin)) !== 0 || times.has("dns") ? "connect" : "dns";
}

async function directly(
  { open, secure }: Hands,
  { origin, times }: Pick<Way, "origin" | "times">,
  signal: AbortSignal,
): Promise<Socket> {
  const socket = await open(origin, signal, times);
  if (origin.protocol !== "https:") return socket;
  const secured = await secure(socket, origin, signal);
  times.ended("tls");
  return secured;
}

/** What is meant for the origin, its name and the client's certificate, is not for the proxy. */
function forProxy({ ca, rejectUnauthorized, minVersion, maxVersion, ciphers }: TlsOptions): TlsOptions {
  return { ca, rejectUnauthorized, minVersion, maxVersion, ciphers };
}
