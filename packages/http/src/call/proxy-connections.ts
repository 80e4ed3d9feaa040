import type { Adapter } from "../adapter/adapter.ts";
import type { Mounts } from "../adapter/mounts.ts";
import type { ProxyProvider } from "../model/proxy-provider.ts";

/** Closes the connections of a session's adapters through proxies that a provider no longer uses. */
export class ProxyConnections {
  readonly #adapters: Mounts<Adapter>;
  readonly #providers = new Map<ProxyProvider, () => void>();

  constructor(adapters: Mounts<Adapter>) {
    this.#adapters = adapters;
  }

  /** Subscribes to a provider at its first use. */
  track(provider: ProxyProvider): void {
    if (this.#providers.has(provider)) return;
    const release = (proxy: string): void => {
      for (const adapter of new Set(this.#adapters.values)) adapter.forget?.(proxy);
    };
    this.#providers.set(provider, provider.onRelease(release));
  }

  /** Ends all subscriptions. */
  close(): void {
    for (const stop of this.#providers.values()) stop();
    this.#providers.clear();
  }
}
