import { systemClock } from "@holdfast/policy";
import { SessionClosedError } from "../errors/transport-errors.ts";
import { BufferedExchange } from "./exchange/buffered-exchange.ts";
import type { ConnectorOptions } from "./connect/connector.ts";
import type { ExchangeLimits, RawResponse, WireRequest } from "./wire/messages.ts";
import type { Endpoint } from "./pool/endpoint.ts";
import { OriginPools } from "./pool/origin-pools.ts";
import {
  StreamedExchange,
  type StreamedRawResponse,
  type StreamLimits,
} from "./exchange/streamed-exchange.ts";
import { Watchdog } from "./pool/watchdog.ts";

export interface TransportOptions extends ConnectorOptions {
  /** Connections to one origin at the same time; who comes later waits within `timeout.attempt` and `total`. @default 256 */
  readonly maxConnections?: number | undefined;
}

/** Where a request goes: the origin of the URL, through the proxy where there is one. */
export interface Destination {
  readonly url: URL;
  readonly proxy: string | undefined;
}

/** Sends requests over connections that it keeps, one pool for each origin. */
export class Transport {
  readonly #roads: OriginPools;
  /** What was asked for last: the origin, with the slash that ends it, and the proxy. */
  #latest:
    | { readonly prefix: string; readonly proxy: string | undefined; readonly road: Endpoint }
    | undefined;
  #closed = false;

  constructor(options: TransportOptions = {}) {
    const clock = options.clock ?? systemClock;
    this.#roads = new OriginPools({
      connector: options,
      maxConnections: options.maxConnections ?? 256,
      shared: { watchdog: new Watchdog(clock), clock },
    });
  }

  /**
   * Sends a request once and gives the whole answer.
   *
   * @throws TransportError, DeadlineExceededError, or the signal's reason.
   */
  send(to: Destination, request: WireRequest, limits: ExchangeLimits): Promise<RawResponse> {
    if (this.#closed) return Promise.reject(new SessionClosedError());
    const road = this.#roadTo(to);
    return new Promise(
      (resolve, reject) => void new BufferedExchange([request, limits, road], resolve, reject),
    );
  }

  /**
   * Sends a request once and gives the head of the answer, with a body to be read.
   *
   * @throws as `send` does.
   */
  open(to: Destination, request: WireRequest, limits: StreamLimits): Promise<StreamedRawResponse> {
    if (this.#closed) return Promise.reject(new SessionClosedError());
    const road = this.#roadTo(to);
    return new Promise(
      (resolve, reject) => void new StreamedExchange([request, limits, road], resolve, reject),
    );
  }

  /** Drops every connection; what is under way fails. */
  close(): Promise<void> {
    this.#closed = true;
    this.#roads.close(new SessionClosedError());
    this.#latest = undefined;
    return Promise.resolve();
  }

  /**
   * Lets go of a proxy, named by the URL that requests name it by: its idle connections close at once, those in use when
   * their request ends, and its TLS sessions are forgotten. A request that names it later finds it as new.
   */
  forget(proxyUrl: string): void {
    if (this.#latest?.proxy === proxyUrl) this.#latest = undefined;
    this.#roads.forget(proxyUrl);
  }

  /** How many origins, each through each proxy, there are connections to, or were a while ago. */
  get endpointCount(): number {
    return this.#roads.size;
  }

  #roadTo({ url, proxy }: Destination): Endpoint {
    // Hot path: a URL builds its origin anew at each reading, for the map to hash: 0.1 µs and more.
    const latest = this.#latest;
    if (latest !== undefined && latest.proxy === proxy && url.href.startsWith(latest.prefix))
      return latest.road;
    if (this.#roads.isFull) this.#roads.removeEmpty();
    const { origin } = url;
    const road = this.#roads.endpointFor(origin, proxy);
    this.#latest = { prefix: `${origin}/`, proxy, road };
    return road;
  }
}
