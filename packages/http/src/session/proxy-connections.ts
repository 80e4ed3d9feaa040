import type { Adapter } from "../adapter/adapter.ts";
import type { ProxyProvider } from "../model/proxy-provider.ts";
import type { Route } from "../proxy/route/route.ts";

/** Closes the connections of a session's adapters through proxies that a provider no longer uses. */
export class ProxyConnections {
  readonly #adapters: () => Iterable<Adapter>;
  readonly #providers = new Map<ProxyProvider, () => void>();

  constructor(adapters: () => Iterable<Adapter>) {
    this.#adapters = adapters;
  }

  /** Subscribes to the provider of a route at its first use. Returns the route. */
  track(route: Route): Route {
    if (typeof route === "object" && !this.#providers.has(route.provider)) {
      const release = (proxy: string): void => {
        for (const adapter of new Set(this.#adapters())) adapter.forget?.(proxy);
      };
      this.#providers.set(route.provider, route.provider.onRelease(release));
    }
    return route;
  }

  /** Ends all subscriptions. */
  close(): void {
    for (const stop of this.#providers.values()) stop();
    this.#providers.clear();
  }
}
