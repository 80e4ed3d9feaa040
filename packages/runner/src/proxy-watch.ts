import type { Clock } from "@holdfast/policy";
import type { Ledger } from "./ledger.ts";
import { addFigures, type PoolFigures, type ProxyFigures } from "./proxy-figures.ts";
import { whyHopeless } from "./proxy-hope.ts";

/** The pool that a session goes through, as a run sees it: a `ProxyPool` is one. */
export interface RunProxies {
  stats(): { readonly proxies: readonly PoolFigures[] };
  /** Has the pool look whether its sources have new proxies, and says how many have come in so far. */
  look?(): number;
}

export interface ProxyWatchOptions {
  readonly proxies: RunProxies;
  readonly ledger: Pick<Ledger, "proxies" | "setProxies">;
  readonly clock: Clock;
}

// Figures are for who looks at a run while it goes on; a long list costs more to write.
const leastPause = 2_000;
const pausePerProxy = 2;

/** Keeps the figures of the proxies in the ledger, and knows when there is no hope for any of them. */
export class ProxyWatch {
  readonly #options: ProxyWatchOptions;
  readonly #before: readonly ProxyFigures[];
  #notedAt: number;
  #arrivals: number | undefined;

  constructor(options: ProxyWatchOptions) {
    this.#options = options;
    this.#before = options.ledger.proxies() ?? [];
    this.#notedAt = options.clock.now();
    this.#arrivals = options.proxies.look?.();
    this.note();
  }

  /** Writes the figures down. @throws LedgerError when that fails. */
  note(): void {
    const { proxies, ledger, clock } = this.#options;
    ledger.setProxies(addFigures(this.#before, proxies.stats().proxies));
    this.#notedAt = clock.now();
  }

  /** Writes the figures down where that was some time ago. `proxies` is how many there may be. */
  noteNowAndThen(): void {
    const pause = this.#options.clock.now() - this.#notedAt;
    if (pause < leastPause) return;
    const { proxies } = this.#options.proxies.stats();
    if (pause >= proxies.length * pausePerProxy) this.note();
  }

  /** Whether the pool can say that it has new proxies. */
  get looks(): boolean {
    return this.#options.proxies.look !== undefined;
  }

  /** Whether proxies have come in since this was last asked. */
  hasNews(): boolean {
    const before = this.#arrivals;
    this.#arrivals = this.#options.proxies.look?.();
    return this.#arrivals !== before;
  }

  /** Why no proxy will work however long one waits; undefined where one may. */
  whyHopeless(): string | undefined {
    return whyHopeless(this.#options.proxies.stats().proxies);
  }
}
