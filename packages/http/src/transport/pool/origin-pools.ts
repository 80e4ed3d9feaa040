import { connector, type Connector, type ConnectorOptions } from "../connect/connector.ts";
import { OriginPool } from "./origin-pool.ts";
import type { Endpoint } from "./endpoint.ts";

export interface RoadsOptions {
  readonly connector: ConnectorOptions;
  /** The most connections of one road at the same time. */
  readonly limit: number;
  /** What every road has besides its pool. */
  readonly equipment: Omit<Endpoint, "pool">;
}

/** The roads that begin alike: directly, or at one proxy. */
interface Start {
  readonly connect: Connector;
  readonly roads: Map<string, Endpoint>;
}

// Fewer are not worth a look.
const manyRoads = 1_024;

/**
 * The ways to origins: one for each origin and proxy. All that go through one proxy share a connector, and so a cache of
 * TLS sessions, which nobody else sees; their connections lead to one origin each, also where the proxy takes requests
 * for plain http and could mix origins on one: the limit, the line and the evidence are of one origin.
 */
export class Roads {
  readonly #options: RoadsOptions;
  readonly #direct: Start;
  readonly #proxied = new Map<string, Start>();
  /** Forgotten, with requests still under way. */
  readonly #leaving = new Set<OriginPool>();
  #size = 0;
  #sweepAt = manyRoads;
  #leavingSweepAt = manyRoads;

  constructor(options: RoadsOptions) {
    this.#options = options;
    this.#direct = { connect: connector(options.connector), roads: new Map() };
  }

  /** How many there are, those included that are forgotten and still in use. */
  get size(): number {
    return this.#size + this.#leaving.size;
  }

  /** Whether there may be one more only at the price of looking which ones nothing is left of. */
  get full(): boolean {
    return this.#size >= this.#sweepAt;
  }

  /** Gives the road to an origin, a new one where there is none. */
  to(origin: string, proxy: string | undefined): Endpoint {
    const start = proxy === undefined ? this.#direct : this.#startAt(proxy);
    const known = start.roads.get(origin);
    if (known !== undefined) return known;
    const mayMultiplex = this.#options.connector.http2 === true && origin.startsWith("https:");
    const pool = new OriginPool(new URL(origin), {
      connector: start.connect,
      limit: this.#options.limit,
      mayMultiplex,
    });
    const road = { pool, ...this.#options.equipment };
    start.roads.set(origin, road);
    this.#size += 1;
    return road;
  }

  /** Closes the roads through a proxy to new requests, and forgets its TLS sessions. */
  forget(proxy: string): void {
    const start = this.#proxied.get(proxy);
    if (start === undefined) return;
    this.#proxied.delete(proxy);
    this.#size -= start.roads.size;
    for (const { pool } of start.roads.values()) {
      pool.retire();
      if (!pool.empty) this.#leaving.add(pool);
    }
    if (this.#leaving.size >= this.#leavingSweepAt) this.#sweepLeaving();
  }

  /** Drops every connection; whatever waits or is under way fails with the reason. */
  close(reason: Error): void {
    for (const { roads } of [this.#direct, ...this.#proxied.values()]) {
      for (const { pool } of roads.values()) pool.close(reason);
      roads.clear();
    }
    for (const pool of this.#leaving) pool.close(reason);
    this.#proxied.clear();
    this.#leaving.clear();
    this.#size = 0;
  }

  /** Forgets the roads that nothing is left of; done so seldom that it costs a request nothing. */
  sweep(): void {
    this.#size = 0;
    for (const [proxy, start] of [[undefined, this.#direct] as const, ...this.#proxied]) {
      for (const [origin, { pool }] of start.roads) if (pool.empty) start.roads.delete(origin);
      this.#size += start.roads.size;
      if (proxy !== undefined && start.roads.size === 0) this.#proxied.delete(proxy);
    }
    this.#sweepAt = Math.max(manyRoads, 2 * this.#size);
  }

  #sweepLeaving(): void {
    for (const pool of this.#leaving) if (pool.empty) this.#leaving.delete(pool);
    this.#leavingSweepAt = Math.max(manyRoads, 2 * this.#leaving.size);
  }

  #startAt(proxy: string): Start {
    const known = this.#proxied.get(proxy);
    if (known !== undefined) return known;
    const start = { connect: connector(this.#options.connector, new URL(proxy)), roads: new Map() };
    this.#proxied.set(proxy, start);
    return start;
  }
}
