import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { systemClock, type Clock } from "@holdfast/policy";
import { connectAny, systemLookup, type Lookup } from "./happy-eyeballs.ts";
import { loadHttp2 } from "./http2-loader.ts";
import { handshake, TlsSessions, type TlsOptions } from "./tls.ts";
import { throughProxy } from "./tunnel.ts";
import { within } from "./within.ts";

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
export type Connector = (origin: URL, limit: number, signal: AbortSignal) => Promise<Socket | TLSSocket>;

/**
 * Makes a connector whose `limit`, in milliseconds, covers the name, every address, the proxy and TLS.
 *
 * It throws ConnectionError, ConnectTimeoutError, TlsError, ProxyError, or the signal's reason; nothing of a request has
 * been sent by then.
 */
export function connector(options: ConnectorOptions = {}, proxy?: URL): Connector {
  const { clock = systemClock, lookup = systemLookup, localAddress, tls = {}, http2 = false } = options;
  const sessions = new TlsSessions();
  const open = (url: URL, signal: AbortSignal): Promise<Socket> => {
    // Neither TLS nor a tunnel reads that way.
    const sharedRead = proxy === undefined && url.protocol === "http:";
    return connectAny(
      { hostname: hostOf(url), port: portOf(url), lookup, clock, localAddress, sharedRead },
      signal,
    );
  };
  const connect: Connector = (origin, limit, signal) =>
    within({ clock, limit, signal, target: origin.host }, async (ended) => {
      const socket = await (proxy === undefined
        ? open(origin, ended)
        : throughProxy({ proxy, origin, tls, open: () => open(proxy, ended) }, ended));
      if (origin.protocol !== "https:") return socket;
      const protocols = http2 ? ["h2", "http/1.1"] : ["http/1.1"];
      const session = sessions.of(origin.host);
      const hostname = hostOf(origin);
      const secured = await handshake(
        socket,
        { ALPNProtocols: protocols, hostname, ...(session && { session }), ...tls },
        ended,
      );
      secured.on("session", (ticket: Buffer) => sessions.keep(origin.host, ticket));
      return secured;
    });
  return async (...how) => {
    const socket = await connect(...how);
    // Not within the limit: it is not the network that is slow.
    if ("alpnProtocol" in socket && socket.alpnProtocol === "h2") await loadHttp2();
    return socket;
  };
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

function portOf(url: URL): number {
  return Number(url.port || (url.protocol === "https:" ? 443 : 80));
}
