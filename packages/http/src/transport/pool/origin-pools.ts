import { createConnector, type Connector, type ConnectorOptions } from "../connect/connector.ts";
import { OriginPool, type PoolObserver } from "./origin-pool.ts";
import { TlsTickets } from "../connect/tls.ts";
import { IdleConnections } from "./idle-connections.ts";
import { reopenWithoutDescriptors } from "./reopen-connection.ts";
import type { Endpoint } from "./endpoint.ts";

export interface OriginPoolsOptions {
  readonly connector: ConnectorOptions;
  /** Maximum of connections to one origin. */
  readonly maxConnections: number;
  /** Maximum of idle connections to all origins together. */
  readonly maxIdleConnections: number;
  /** Whether a response with a malformed field is rejected. */
  readonly strictHeaders: boolean;
  /** The parts that all endpoints share. */
  readonly shared: Omit<Endpoint, "pool">;
  /** Called after endpoints were removed. */
  readonly onRemoved?: () => void;
}

// A name takes a hundred bytes, and few servers require HTTP/1.1 after they negotiated HTTP/2.
const maxHttp1Origins = 1_000;

/** How an origin is reached: directly, through a proxy, or at a Unix socket in place of its host. */
export interface Way {
  readonly proxy: string | undefined;
  readonly socketPath?: string | undefined;
}

/** The endpoints that are reached directly, through one proxy, or at one Unix socket. */
interface EndpointGroup {
  readonly connect: Connector;
  readonly endpoints: Map<string, Endpoint>;
}

// Below this number a search for unused endpoints is not worth its time.
const minSweepSize = 1_024;
// A pool without connections takes more than a kilobyte, so that few of them wait for a search.
const minEmptied = 64;

/**
 * Holds one endpoint for each origin and proxy.
 *
 * All endpoints of one proxy share a connector, and with it a cache of TLS sessions that no other proxy uses. A connection
 * serves one origin, even when the proxy forwards plain http and could mix origins on a connection: the limit and the queue
 * of requests belong to one origin.
 */
export class OriginPools implements PoolObserver {
  readonly #options: OriginPoolsOptions;
  readonly #idle: IdleConnections;
  /** The TLS sessions of all connectors. */
  readonly #tickets = new TlsTickets();
  /** Origins that require HTTP/1.1. */
  readonly #http1Origins = new Set<string>();
  readonly #direct: EndpointGroup;
  /** The groups by the URL of their proxy, or by the path of their Unix socket behind `unix:`, which no proxy has. */
  readonly #proxied = new Map<string, EndpointGroup>();
  /** Pools of forgotten proxies that still have requests under way. */
  readonly #leaving = new Set<OriginPool>();
  #size = 0;
  #sweepAt = minSweepSize;
  /** How often a pool has become empty since the last search. */
  #emptied = 0;
  #isSearchPlanned = false;
  #leavingSweepAt = minSweepSize;

  constructor(options: OriginPoolsOptions) {
    this.#options = options;
    this.#idle = new IdleConnections(options.maxIdleConnections);
    this.#direct = this.#createGroup();
  }

  /** Number of endpoints, including those of forgotten proxies that are still in use. */
  get size(): number {
    return this.#size + this.#leaving.size;
  }

  /** Whether unused endpoints should be removed before another one is added. */
  get isFull(): boolean {
    return this.#size >= this.#sweepAt;
  }

  /** Returns the endpoint of an origin, and creates it if necessary. */
  endpointFor(origin: string, way: Way): Endpoint {
    const group = this.#groupFor(way);
    const known = group.endpoints.get(origin);
    if (known !== undefined) return known;
    const mayMultiplex = this.#offersHttp2(origin);
    const pool = new OriginPool(new URL(origin), {
      connector: group.connect,
      maxConnections: this.#options.maxConnections,
      strictHeaders: this.#options.strictHeaders,
      mayMultiplex,
      idle: this.#idle,
      observer: this,
      clock: this.#options.shared.clock,
    });
    const endpoint = { pool, ...this.#options.shared };
    group.endpoints.set(origin, endpoint);
    this.#size += 1;
    return endpoint;
  }

  /** Closes the endpoints of a proxy to new requests and drops its TLS sessions. */
  forget(proxy: string): void {
    const group = this.#proxied.get(proxy);
    if (group === undefined) return;
    this.#proxied.delete(proxy);
    this.#size -= group.endpoints.size;
    for (const { pool } of group.endpoints.values()) {
      pool.retire();
      if (!pool.isEmpty) this.#leaving.add(pool);
    }
    if (this.#leaving.size >= this.#leavingSweepAt) this.#removeEmptyLeaving();
  }

  /** Closes every connection. Requests that wait or are under way fail with the reason. */
  close(reason: Error): void {
    for (const { endpoints } of [this.#direct, ...this.#proxied.values()]) {
      for (const { pool } of endpoints.values()) pool.close(reason);
      endpoints.clear();
    }
    for (const pool of this.#leaving) pool.close(reason);
    this.#proxied.clear();
    this.#leaving.clear();
    this.#tickets.clear();
    this.#size = 0;
  }

  poolEmptied(): void {
    this.#emptied += 1;
    // A search at half of the endpoints costs each of them the same, however many there are.
    if (this.#isSearchPlanned || this.#emptied < Math.max(minEmptied, this.#size / 2)) return;
    this.#isSearchPlanned = true;
    // Later, because a request may be about to open another connection of its pool.
    setImmediate(() => this.removeEmpty());
  }

  removedPoolUsed(pool: OriginPool): void {
    this.#leaving.add(pool);
  }

  http1Required(origin: string): void {
    this.#http1Origins.delete(origin);
    this.#http1Origins.add(origin);
    const [oldest] = this.#http1Origins;
    if (oldest !== undefined && this.#http1Origins.size > maxHttp1Origins) this.#http1Origins.delete(oldest);
  }

  /** Removes endpoints without connections. It runs so rarely that its cost per request is negligible. */
  removeEmpty(): void {
    this.#size = 0;
    this.#emptied = 0;
    this.#isSearchPlanned = false;
    for (const [proxy, group] of [[undefined, this.#direct] as const, ...this.#proxied]) {
      for (const [origin, { pool }] of group.endpoints) {
        if (!pool.isEmpty) continue;
        pool.isRemoved = true;
        group.endpoints.delete(origin);
      }
      this.#size += group.endpoints.size;
      if (proxy !== undefined && group.endpoints.size === 0) this.#proxied.delete(proxy);
    }
    this.#sweepAt = Math.max(minSweepSize, 2 * this.#size);
    this.#removeEmptyLeaving();
    this.#options.onRemoved?.();
  }

  #offersHttp2(origin: string): boolean {
    return (
      this.#options.connector.http2 === true && origin.startsWith("https:") && !this.#http1Origins.has(origin)
    );
  }

  #removeEmptyLeaving(): void {
    for (const pool of this.#leaving) if (pool.isEmpty) this.#leaving.delete(pool);
    this.#leavingSweepAt = Math.max(minSweepSize, 2 * this.#leaving.size);
  }

  #groupFor({ proxy, socketPath }: Way): EndpointGroup {
    const key = socketPath === undefined ? proxy : `unix:${socketPath}`;
    if (key === undefined) return this.#direct;
    const known = this.#proxied.get(key);
    if (known !== undefined) return known;
    const group =
      socketPath === undefined
        ? this.#createGroup({ proxy: new URL(key) })
        : this.#createGroup({ socketPath });
    this.#proxied.set(key, group);
    return group;
  }

  #createGroup({
    proxy,
    ...way
  }: { readonly proxy?: URL; readonly socketPath?: string } = {}): EndpointGroup {
    const { connector, shared } = this.#options;
    const { clock } = shared;
    const offersHttp2 = ({ origin }: URL): boolean => this.#offersHttp2(origin);
    const connect = createConnector({ ...connector, ...way, offersHttp2 }, proxy, this.#tickets);
    return { connect: reopenWithoutDescriptors(connect, { idle: this.#idle, clock }), endpoints: new Map() };
  }
}
