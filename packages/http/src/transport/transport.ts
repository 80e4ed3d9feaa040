import { systemClock, type Clock } from "@holdfast/policy";
import { BufferedExchange, type ExchangeLimits, type RawAnswer, type WireRequest } from "./buffered.ts";
import { connector, type Connector, type ConnectorOptions } from "./connector.ts";
import { OriginPool } from "./origin-pool.ts";
import { StreamedExchange, type LiveAnswer, type StreamLimits } from "./streamed.ts";
import { Watchdog } from "./watchdog.ts";

export interface TransportOptions extends ConnectorOptions {
  /** Connections to one origin at the same time. @default 256 */
  readonly connections?: number | undefined;
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
  readonly #pools = new Map<string, OriginPool>();
  readonly #http2: boolean;
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
  send(origin: string, request: WireRequest, limits: ExchangeLimits, proxy?: string): Promise<RawAnswer> {
    if (this.#closed) return Promise.reject(new Error("The session is closed"));
    const road = { pool: this.#poolOf(origin, proxy), watchdog: this.#watchdog, clock: this.#clock };
    return new Promise(
      (resolve, reject) => void new BufferedExchange([request, limits, road], resolve, reject),
    );
  }

  /**
   * Sends a request once and gives the head of the answer, with a body to be read.
   *
   * @throws as `send` does.
   */
  open(origin: string, request: WireRequest, limits: StreamLimits, proxy?: string): Promise<LiveAnswer> {
    if (this.#closed) return Promise.reject(new Error("The session is closed"));
    const road = { pool: this.#poolOf(origin, proxy), watchdog: this.#watchdog, clock: this.#clock };
    return new Promise(
      (resolve, reject) => void new StreamedExchange([request, limits, road], resolve, reject),
    );
  }

  /** Drops every connection; what is under way fails. */
  close(): Promise<void> {
    this.#closed = true;
    for (const pool of this.#pools.values()) pool.close(new Error("The session was closed"));
    this.#pools.clear();
    return Promise.resolve();
  }

  /** Connections through a proxy lead to one origin each, and are that origin's through that proxy alone. */
  #poolOf(origin: string, proxy: string | undefined): OriginPool {
    const key = proxy === undefined ? origin : `${origin} ${proxy}`;
    const known = this.#pools.get(key);
    if (known !== undefined) return known;
    const connect = proxy === undefined ? this.#connector : connector(this.#options, new URL(proxy));
    const mayMultiplex = this.#http2 && origin.startsWith("https:");
    const pool = new OriginPool(new URL(origin), {
      connector: connect,
      limit: this.#connections,
      mayMultiplex,
    });
    if (this.#pools.size >= this.#sweepAt) this.#sweep();
    this.#pools.set(key, pool);
    return pool;
  }

  /** Forgets origins that nothing is left of; done so seldom that it costs a request nothing. */
  #sweep(): void {
    for (const [origin, pool] of this.#pools) if (pool.empty) this.#pools.delete(origin);
    this.#sweepAt = Math.max(manyOrigins, 2 * this.#pools.size);
  }
}
