import type { Clock } from "@holdfast/policy";
import type { Ledger } from "../ledger/ledger.ts";
import { mergeProxyStats, type PoolProxyStats, type RunProxyStats } from "../ledger/proxy-stats.ts";
import { proxyExhaustion } from "./proxy-exhaustion.ts";

/** The part of a proxy pool that a run uses. A `ProxyPool` has this shape. */
export interface RunProxies {
  stats(): { readonly proxies: readonly PoolProxyStats[] };
  /** Starts to reload proxy lists that have changed. Returns how many proxies have been added so far. */
  refresh?(): number;
  /** Returns the health of the proxies as JSON without credentials, for `restore` at the next start. */
  snapshot?(): unknown;
  restore?(snapshot: unknown): void;
  /** Calls `listener` whenever a cooldown begins or ends, until the returned function is called. */
  onCooldown?(listener: () => void): () => void;
}

export interface ProxyMonitorOptions {
  readonly proxies: RunProxies;
  readonly ledger: Pick<Ledger, "proxyStats" | "setProxyStats" | "proxySnapshot" | "setProxySnapshot">;
  readonly clock: Clock;
  /** Receives the error of a write in the background. */
  readonly onError: (error: unknown) => void;
}

// The statistics are for watching a run. A long list costs more to write, so it is written less often. In ms.
const minStatsInterval = 2_000;
const statsIntervalPerProxy = 2;
// A killed process must not forget cooldowns, so they are saved soon. Cooldowns that begin together are one write, and
// writes take at most a twentieth of the time. In ms.
const snapshotDelay = 50;
const delayPerWriteTime = 20;

/** Saves the statistics and the health of a run's proxies in the ledger, and asks the pool for new proxies. */
export class ProxyMonitor {
  readonly #options: ProxyMonitorOptions;
  readonly #statsBefore: readonly RunProxyStats[];
  #savedAt: number;
  #addedProxies: number | undefined;
  readonly #stopListening: () => void;
  readonly #closed = new AbortController();
  #isWritePending = false;
  #writeDelay = snapshotDelay;

  constructor(options: ProxyMonitorOptions) {
    this.#options = options;
    this.#statsBefore = options.ledger.proxyStats() ?? [];
    this.#savedAt = options.clock.now();
    options.proxies.restore?.(options.ledger.proxySnapshot());
    this.#addedProxies = options.proxies.refresh?.();
    this.#stopListening =
      options.proxies.onCooldown?.(() => void this.#saveSnapshotSoon()) ?? ((): void => undefined);
    this.save();
  }

  /** Stops the writes in the background. */
  close(): void {
    this.#stopListening();
    this.#closed.abort();
  }

  /** Saves the statistics and the health of the proxies. @throws LedgerError */
  save(): void {
    const { proxies, ledger, clock } = this.#options;
    if (proxies.snapshot !== undefined) ledger.setProxySnapshot(proxies.snapshot());
    ledger.setProxyStats(mergeProxyStats(this.#statsBefore, proxies.stats().proxies));
    this.#savedAt = clock.now();
  }

  /** Saves them when they were last saved some time ago. @throws LedgerError */
  saveIfDue(): void {
    const passed = this.#options.clock.now() - this.#savedAt;
    if (passed < minStatsInterval) return;
    const { proxies } = this.#options.proxies.stats();
    if (passed >= proxies.length * statsIntervalPerProxy) this.save();
  }

  async #saveSnapshotSoon(): Promise<void> {
    const { proxies, ledger, clock, onError } = this.#options;
    if (this.#isWritePending || proxies.snapshot === undefined) return;
    this.#isWritePending = true;
    try {
      await clock.sleep(this.#writeDelay, this.#closed.signal);
      this.#isWritePending = false;
      const began = clock.now();
      ledger.setProxySnapshot(proxies.snapshot());
      this.#writeDelay = Math.max(snapshotDelay, (clock.now() - began) * delayPerWriteTime);
      this.saveIfDue();
    } catch (error) {
      if (!this.#closed.signal.aborted) onError(error);
    }
  }

  /** Whether the pool can report new proxies. */
  get canDetectNewProxies(): boolean {
    return this.#options.proxies.refresh !== undefined;
  }

  /** Asks the pool for new proxies. Returns whether any were added since the previous call. */
  hasNewProxies(): boolean {
    const before = this.#addedProxies;
    this.#addedProxies = this.#options.proxies.refresh?.();
    return this.#addedProxies !== before;
  }

  /** Returns why no proxy will ever be available; undefined when one may be. */
  exhaustion(): string | undefined {
    return proxyExhaustion(this.#options.proxies.stats().proxies);
  }
}
