import type { Adapter } from "../adapter/adapter.ts";
import type { ProxyPool } from "../proxy/pool/pool.ts";
import type { Route } from "../proxy/route/route.ts";

/** Makes the adapters of a session let go of the connections through proxies that leave a pool. */
export class PoolWatch {
  readonly #adapters: () => Iterable<Adapter>;
  readonly #pools = new Map<ProxyPool, () => void>();

  constructor(adapters: () => Iterable<Adapter>) {
    this.#adapters = adapters;
  }

  /** Watches the pool of a route, where it has one, from its first use on; gives the route back. */
  along(route: Route): Route {
    if (typeof route === "object" && !this.#pools.has(route.pool)) {
      const forget = (proxy: string): void => {
        for (const adapter of new Set(this.#adapters())) adapter.forget?.(proxy);
      };
      this.#pools.set(route.pool, route.pool.onForget(forget));
    }
    return route;
  }

  close(): void {
    for (const stop of this.#pools.values()) stop();
    this.#pools.clear();
  }
}
