import { createConnector, type Connector, type ConnectorOptions } from "../connect/connector.ts";
import { OriginPool } from "./origin-pool.ts";
import type { Endpoint } from "./endpoint.ts";

export interface OriginPoolsOptions {
  readonly connector: ConnectorOptions;
  /** The most connections of one road at the same time. */
  readonly maxConnections: number;
  /** What every road has besides its pool. */
  readonly shared: Omit<Endpoint, "pool">;
}

/** The roads that begin alike: directly, or at one proxy. */
interface EndpointGroup {
  readonly connect: Connector;
  readonly endpoints: Map<string, Endpoint>;
}

// Fewer are not worth a look.
const minSweepSize = 1_024;

/**
 * The ways to origins: one for each origin and proxy. All that go through one proxy share a connector, and so a cache of
 * TLS sessions, which nobody else sees; their connections lead to one origin each, also where the proxy takes requests
 * for plain http and could mix origins on one: the limit, the line and the evidence are of one origin.
 */
export class OriginPools {
  readonly #options: OriginPoolsOptions;
  readonly #direct: EndpointGroup;
  readonly #proxied = new Map<string, EndpointGroup>();
  /** Forgotten, with requests still under way. */
  readonly #leaving = new Set<OriginPool>();
  #size = 0;
  #sweepAt = minSweepSize;
  #leavingSweepAt = minSweepSize;

  constructor(options: OriginPoolsOptions) {
    this.#options = options;
    this.#direct = { connect: createConnector(options.connector), endpoints: new Map() };
  }

  /** How many there are, those included that are forgotten and still in use. */
  get size(): number {
    return this.#size + this.#leaving.size;
  }

  /** Whether there may be one more only at the price of looking which ones nothing is left of. */
  get isFull(): boolean {
    return this.#size >= this.#sweepAt;
  }

  /** Gives the road to an origin, a new one where there is none. */
  endpointFor(origin: string, proxy: string | undefined): Endpoint {
    const start = proxy === undefined ? this.#direct : this.#startAt(proxy);
    const known = start.endpoints.get(origin);
    if (known !== undefined) return known;
    const mayMultiplex = this.#options.connector.http2 === true && origin.startsWith("https:");
    const pool = new OriginPool(new URL(origin), {
      connector: start.connect,
      maxConnections: this.#options.maxConnections,
      mayMultiplex,
    });
    const road = { pool, ...this.#options.shared };
    start.endpoints.set(origin, road);
    this.#size += 1;
    return road;
  }

  /** Closes the roads through a proxy to new requests, and forgets its TLS sessions. */
  forget(proxy: string): void {
    const start = this.#proxied.get(proxy);
    if (start === undefined) return;
    this.#proxied.delete(proxy);
    this.#size -= start.endpoints.size;
    for (const { pool } of start.endpoints.values()) {
      pool.retire();
      if (!pool.isEmpty) this.#leaving.add(pool);
    }
    if (this.#leaving.size >= this.#leavingSweepAt) this.#sweepLeaving();
  }

  /** Drops every connection; whatever waits or is under way fails with the reason. */
  close(reason: Error): void {
    for (const { endpoints: roads } of [this.#direct, ...this.#proxied.values()]) {
      for (const { pool } of roads.values()) pool.close(reason);
      roads.clear();
    }
    for (const pool of this.#leaving) pool.close(reason);
    this.#proxied.clear();
    this.#leaving.clear();
    this.#size = 0;
  }

  /** Forgets the roads that nothing is left of; done so seldom that it costs a request nothing. */
  removeEmpty(): void {
    this.#size = 0;
    for (const [proxy, start] of [[undefined, this.#direct] as const, ...this.#proxied]) {
      for (const [origin, { pool }] of start.endpoints) if (pool.isEmpty) start.endpoints.delete(origin);
      this.#size += start.endpoints.size;
      if (proxy !== undefined && start.endpoints.size === 0) this.#proxied.delete(proxy);
    }
    this.#sweepAt = Math.max(minSweepSize, 2 * this.#size);
  }

  #sweepLeaving(): void {
    for (const pool of this.#leaving) if (pool.isEmpty) this.#leaving.delete(pool);
    this.#leavingSweepAt = Math.max(minSweepSize, 2 * this.#leaving.size);
  }

  #startAt(proxy: string): EndpointGroup {
    const known = this.#proxied.get(proxy);
    if (known !== undefined) return known;
    const start = { connect: createConnector(this.#options.connector, new URL(proxy)), endpoints: new Map() };
    this.#proxied.set(proxy, start);
    return start;
  }
}
