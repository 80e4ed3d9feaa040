import type { Clock } from "@holdfast/policy";
import type { ProxyWait } from "../outcome/no-proxy.ts";
import { earliest } from "./host-pauses.ts";
import { ProxyMonitor, type ProxyMonitorOptions } from "./proxy-monitor.ts";
import { ProxyShortage } from "./proxy-shortage.ts";

/** How often the pool is asked for new proxies while a host waits for one, in ms. */
const newProxiesPollInterval = 1_000;

/** The hosts that wait for a proxy, and the pool that may get new ones. Times are epoch ms. */
export class ProxyWaits {
  readonly #clock: Clock;
  readonly #monitor: ProxyMonitor;
  readonly #shortage = new ProxyShortage();

  constructor(options: ProxyMonitorOptions) {
    this.#clock = options.clock;
    this.#monitor = new ProxyMonitor(options);
  }

  /** Whether a host waits, or no proxy will ever be available. */
  get isActive(): boolean {
    return this.#shortage.isActive;
  }

  /** Whether no proxy will ever be available. */
  get isExhausted(): boolean {
    return this.#shortage.isExhausted;
  }

  /** Why no proxy will ever be available; otherwise why none was, at the latest shortage. */
  get why(): string {
    return this.#monitor.exhaustion() ?? this.#shortage.why;
  }

  /** When the first host may have a proxy; undefined when no host waits. */
  get nextEndAt(): number | undefined {
    return this.#shortage.nextEndAt;
  }

  /** When to call `takeResumableHosts` next; undefined when no host waits. */
  get nextCheckAt(): number | undefined {
    const { nextRecheckAt } = this.#shortage;
    const polls = nextRecheckAt !== undefined && this.#monitor.canDetectNewProxies;
    return earliest([nextRecheckAt, polls ? this.#clock.date() + newProxiesPollInterval : undefined]);
  }

  /** Adds a host that waits. Returns whether the shortage is to be reported: it is new, or lasts longer than reported before. */
  add(host: string, { until, why }: ProxyWait): boolean {
    const exhaustion = until === Infinity ? why : this.#monitor.exhaustion();
    return this.#shortage.add(host, { until, why, exhaustion, now: this.#clock.date() });
  }

  /** Removes and returns the hosts to try again: those that are due, or all when the pool has new proxies. */
  takeResumableHosts(): readonly string[] {
    return this.#shortage.takeDueHosts(this.#monitor.hasNewProxies() ? Infinity : this.#clock.date());
  }

  /** Saves the statistics and the health of the proxies. @throws LedgerError */
  save(): void {
    this.#monitor.save();
  }

  /** Saves them when they were last saved some time ago. @throws LedgerError */
  saveIfDue(): void {
    this.#monitor.saveIfDue();
  }

  close(): void {
    this.#monitor.close();
  }
}
