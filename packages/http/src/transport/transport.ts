import { systemClock, type Clock } from "@holdfast/policy";
import { BufferedExchange } from "./buffered.ts";
import { connector, type Connector, type ConnectorOptions } from "./connector.ts";
import type { ExchangeLimits, RawAnswer, Road, WireRequest } from "./wire.ts";
import { OriginPool } from "./origin-pool.ts";
import { StreamedExchange, type LiveAnswer, type StreamLimits } from "./streamed.ts";
import { Watchdog } from "./watchdog.ts";

export interface TransportOptions extends ConnectorOptions {
  /** Connections to one origin at the same time. @default 256 */
  readonly connections?: number | undefined;
}

/** Where a request goes: the origin of the URL, through the proxy where there is one. */
export interface Destination {
  readonly url: URL;
  readonly proxy: string | undefined;
}

// Fewer are not worth a look.
const manyOrigins = 1_024;

/** Sends requests over connections that it keeps, one pool for each origin. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #clock: Clock;
  readonly #connector: Connector;
  readonly #connections: number;
  readonly #watchdog: Watchdog;
  readonly #roads = new Map<string, Road>();
  readonly #http2: boolean;
  /** What was asked for last: the origin, with the slash that ends it. */
  #latest: { readonly prefix: string; readonly road: Road } | undefined;
  #sweepAt = manyOrigins;
  #closed = false;

  constructor(options: TransportOptions = {}) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#connector = connector(options);
    this.#http2 = options.http2 ?? false;
    this.#connections = options.connections ?? 256;
    this.#watchdog = new Watchdog(this.#clock);
  }

  /**
   * Sends a request once and gives the whole answer.
   *
   * @throws TransportError, DeadlineExceededError, or the signal's reason.
   */
  send(to: Destination, request: WireRequest, limits: ExchangeLimits): Promise<RawAnswer> {
    if (this.#closed) return Promise.reject(new Error("The session is closed"));
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
  open(to: Destination, request: WireRequest, limits: StreamLimits): Promise<LiveAnswer> {
    if (this.#closed) return Promise.reject(new Error("The session is closed"));
    const road = this.#roadTo(to);
    return new Promise(
      (resolve, reject) => void new StreamedExchange([request, limits, road], resolve, reject),
    );
  }

  /** Drops every connection; what is under way fails. */
  close(): Promise<void> {
    this.#closed = true;
    for (const { pool } of this.#roads.values()) pool.close(new Error("The session was closed"));
    this.#roads.clear();
    return Promise.resolve();
  }

  /** Connections through a proxy lead to one origin each, and are that origin's through that proxy alone. */
  #roadTo({ url, proxy }: Destination): Road {
    // Hot path: a URL builds its origin anew at each reading, for the map to hash: 0.1 µs and more.
    if (proxy === undefined && this.#latest !== undefined && url.href.startsWith(this.#latest.prefix)) {
      return this.#latest.road;
    }
    const { origin } = url;
    const road = this.#roadThrough(origin, proxy);
    if (proxy === undefined) this.#latest = { prefix: `${origin}/`, road };
    return road;
  }

  #roadThrough(origin: string, proxy: string | undefined): Road {
    const key = proxy === undefined ? origin : `${origin} ${proxy}`;
    const known = this.#roads.get(key);
    if (known !== undefined) return known;
    const connect = proxy === undefined ? this.#connector : connector(this.#options, new URL(proxy));
    const mayMultiplex = this.#http2 && origin.startsWith("https:");
    const pool = new OriginPool(new URL(origin), {
      connector: connect,
      limit: this.#connections,
      mayMultiplex,
    });
    if (this.#roads.size >= this.#sweepAt) this.#sweep();
    const road = { pool, watchdog: this.#watchdog, clock: this.#clock };
    this.#roads.set(key, road);
    return road;
  }

  /** Forgets origins that nothing is left of; done so seldom that it costs a request nothing. */
  #sweep(): void {
    for (const [key, { pool }] of this.#roads) if (pool.empty) this.#roads.delete(key);
    this.#latest = undefined;
    this.#sweepAt = Math.max(manyOrigins, 2 * this.#roads.size);
  }
}
