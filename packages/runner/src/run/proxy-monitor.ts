import type { Clock } from "@holdfast/policy";
import type { Ledger } from "../ledger/ledger.ts";
import { mergeProxyStats, type PoolProxyStats, type RunProxyStats } from "../ledger/proxy-stats.ts";
import { proxyExhaustion } from "./proxy-exhaustion.ts";

/** The pool that a session goes through, as a run sees it: a `ProxyPool` is one. */
export interface RunProxies {
  stats(): { readonly proxies: readonly PoolProxyStats[] };
  /** Has the pool look whether its sources have new proxies, and says how many have come in so far. */
  refresh?(): number;
  /** What it knows of the health of its proxies, as JSON without credentials; `restore` gets it back at the next start. */
  snapshot?(): unknown;
  restore?(memory: unknown): void;
  /** Calls when there is another memory, until what it gives back is called. */
  onCooldown?(listener: () => void): () => void;
}

export interface ProxyMonitorOptions {
  readonly proxies: RunProxies;
  readonly ledger: Pick<Ledger, "proxyStats" | "setProxyStats" | "proxySnapshot" | "setProxySnapshot">;
  readonly clock: Clock;
  /** Hears what a write threw that nobody waits for. */
  readonly onError: (error: unknown) => void;
}

// Figures are for who looks at a run while it goes on; a long list costs more to write.
const minStatsInterval = 2_000;
const statsIntervalPerProxy = 2;
// Rests are written down soon: a process that is killed may not forget them. Several that begin together are one write,
// and writes take no more than a twentieth of the time.
const snapshotDelay = 50;
const delayPerWriteTime = 20;

/** Keeps the figures of the proxies in the ledger, and knows when there is no hope for any of them. */
export class ProxyMonitor {
  readonly #options: ProxyMonitorOptions;
  readonly #before: readonly RunProxyStats[];
  #notedAt: number;
  #arrivals: number | undefined;
  readonly #stop: () => void;
  readonly #ended = new AbortController();
  #isWriting = false;
  #pause = snapshotDelay;

  constructor(options: ProxyMonitorOptions) {
    this.#options = options;
    this.#before = options.ledger.proxyStats() ?? [];
    this.#notedAt = options.clock.now();
    options.proxies.restore?.(options.ledger.proxySnapshot());
    this.#arrivals = options.proxies.refresh?.();
    this.#stop = options.proxies.onCooldown?.(() => void this.#remember()) ?? ((): void => undefined);
    this.save();
  }

  /** Writes nothing down any more unless it is told to. */
  close(): void {
    this.#stop();
    this.#ended.abort();
  }

  /** Writes the figures and the rests down. @throws LedgerError when that fails. */
  save(): void {
    const { proxies, ledger, clock } = this.#options;
    if (proxies.snapshot !== undefined) ledger.setProxySnapshot(proxies.snapshot());
    ledger.setProxyStats(mergeProxyStats(this.#before, proxies.stats().proxies));
    this.#notedAt = clock.now();
  }

  /** Writes the figures down where that was some time ago. `proxies` is how many there may be. */
  saveStatsIfDue(): void {
    const pause = this.#options.clock.now() - this.#notedAt;
    if (pause < minStatsInterval) return;
    const { proxies } = this.#options.proxies.stats();
    if (pause >= proxies.length * statsIntervalPerProxy) this.save();
  }

  async #remember(): Promise<void> {
    const { proxies, ledger, clock, onError } = this.#options;
    if (this.#isWriting || proxies.snapshot === undefined) return;
    this.#isWriting = true;
    try {
      await clock.sleep(this.#pause, this.#ended.signal);
      this.#isWriting = false;
      const began = clock.now();
      ledger.setProxySnapshot(proxies.snapshot());
      this.#pause = Math.max(snapshotDelay, (clock.now() - began) * delayPerWriteTime);
      this.saveStatsIfDue();
    } catch (error) {
      if (!this.#ended.signal.aborted) onError(error);
    }
  }

  /** Whether the pool can say that it has new proxies. */
  get canDetectNewProxies(): boolean {
    return this.#options.proxies.refresh !== undefined;
  }

  /** Whether proxies have come in since this was last asked. */
  hasNewProxies(): boolean {
    const before = this.#arrivals;
    this.#arrivals = this.#options.proxies.refresh?.();
    return this.#arrivals !== before;
  }

  /** Why no proxy will work however long one waits; undefined where one may. */
  exhaustion(): string | undefined {
    return proxyExhaustion(this.#options.proxies.stats().proxies);
  }
}
