import { systemClock } from "@holdfast/policy";
import { SessionClosedError } from "../errors/transport-errors.ts";
import { BufferedExchange } from "./exchange/buffered-exchange.ts";
import type { ConnectorOptions } from "./connect/connector.ts";
import { testTunnel, type TunnelTest } from "./connect/test-tunnel.ts";
import type { ExchangeLimits, RawResponse, WireRequest } from "./wire/messages.ts";
import type { Endpoint } from "./pool/endpoint.ts";
import { OriginPools, type Way } from "./pool/origin-pools.ts";
import {
  StreamedExchange,
  type StreamedRawResponse,
  type StreamLimits,
} from "./exchange/streamed-exchange.ts";
import { Watchdog } from "./pool/watchdog.ts";

/** The options of a transport. */
export interface TransportOptions extends ConnectorOptions {
  /** Maximum of connections to one origin. Further requests wait, within `timeout.attempt` and `total`. @default 256 */
  readonly maxConnections?: number | undefined;
  /** Maximum of idle connections to all origins together. Beyond it, the longest idle one is closed. @default 256 */
  readonly maxIdleConnections?: number | undefined;
  /**
   * Rejects a response over HTTP/1.1 that has a malformed header field, with `ProtocolError`. Otherwise the field is left out,
   * unless the body cannot be read without it. @default false
   */
  readonly strictHeaders?: boolean | undefined;
}

/** The URL of a request, and the proxy to send it through or the Unix socket to send it to. */
export interface Destination extends Way {
  readonly url: URL;
}

/** Sends requests over kept connections, with one pool for each origin. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #pools: OriginPools;
  /** The endpoint of the latest request. `prefix` is its origin with a final slash. */
  #latest: (Way & { readonly prefix: string; readonly endpoint: Endpoint }) | undefined;
  #closed = false;

  constructor(options: TransportOptions = {}) {
    this.#options = options;
    const clock = options.clock ?? systemClock;
    this.#pools = new OriginPools({
      connector: options,
      maxConnections: options.maxConnections ?? 256,
      maxIdleConnections: options.maxIdleConnections ?? 256,
      strictHeaders: options.strictHeaders ?? false,
      shared: { watchdog: new Watchdog(clock), clock },
      onRemoved: () => (this.#latest = undefined),
    });
  }

  /**
   * Sends a request once and returns the complete response.
   *
   * @throws TransportError, DeadlineExceededError, or the signal's reason.
   */
  send(to: Destination, request: WireRequest, limits: ExchangeLimits): Promise<RawResponse> {
    if (this.#closed) return Promise.reject(new SessionClosedError());
    const endpoint = this.#endpointFor(to);
    return new Promise(
      (resolve, reject) => void new BufferedExchange([request, limits, endpoint], resolve, reject),
    );
  }

  /**
   * Sends a request once and returns the head of the response, with its body as a stream.
   *
   * @throws the errors of `send`.
   */
  open(to: Destination, request: WireRequest, limits: StreamLimits): Promise<StreamedRawResponse> {
    if (this.#closed) return Promise.reject(new SessionClosedError());
    const endpoint = this.#endpointFor(to);
    return new Promise(
      (resolve, reject) => void new StreamedExchange([request, limits, endpoint], resolve, reject),
    );
  }

  /** Has a proxy open a tunnel, and closes it. @throws the errors of `testTunnel` */
  testTunnel(test: TunnelTest): Promise<void> {
    return this.#closed ? Promise.reject(new SessionClosedError()) : testTunnel(this.#options, test);
  }

  /** Closes every connection. Requests under way fail. */
  close(): Promise<void> {
    this.#closed = true;
    this.#pools.close(new SessionClosedError());
    this.#latest = undefined;
    return Promise.resolve();
  }

  /**
   * Drops the connections and the TLS sessions of a proxy, given as the URL that requests use. Idle connections close
   * immediately, the others after their request. A later request may use the proxy again.
   */
  forget(proxyUrl: string): void {
    if (this.#latest?.proxy === proxyUrl) this.#latest = undefined;
    this.#pools.forget(proxyUrl);
  }

  /** Number of endpoints, one for each origin and proxy. Endpoints without connections are removed from time to time. */
  get endpointCount(): number {
    return this.#pools.size;
  }

  #endpointFor({ url, proxy, socketPath }: Destination): Endpoint {
    // Hot path: a URL builds its origin on each access, and the map must hash it: 0.1 µs or more.
    const latest = this.#latest;
    if (latest !== undefined && latest.proxy === proxy && latest.socketPath === socketPath)
      if (url.href.startsWith(latest.prefix)) return latest.endpoint;
    if (this.#pools.isFull) this.#pools.removeEmpty();
    const { origin } = url;
    const endpoint = this.#pools.endpointFor(origin, { proxy, socketPath });
    this.#latest = { prefix: `${origin}/`, proxy, socketPath, endpoint };
    return endpoint;
  }
}
