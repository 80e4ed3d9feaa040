import type { ProxyWait } from "../outcome/no-proxy.ts";
import { HostPauses } from "./host-pauses.ts";

/** A waiting host is checked again after this time, in ms: proxies may come back early, and the list may get new ones. */
const recheckInterval = 5_000;

interface HostWait extends ProxyWait {
  /** Why no proxy will ever be available; undefined when one may be. */
  readonly exhaustion: string | undefined;
  readonly now: number;
}

/** The hosts that wait for a proxy, and whether waiting can help. Times are epoch ms. */
export class ProxyShortage {
  readonly #pauses = new HostPauses();
  #why = "";
  #isExhausted = false;
  #reportedUntil = 0;

  /** Why no proxy was available, at the latest shortage. */
  get why(): string {
    return this.#why;
  }

  /** Whether no proxy will ever be available. */
  get isExhausted(): boolean {
    return this.#isExhausted;
  }

  /** Whether a host waits, or no proxy will ever be available. */
  get isActive(): boolean {
    return this.#isExhausted || this.#pauses.nextEndAt !== undefined;
  }

  /** When to check the first host again; undefined when no host waits. */
  get nextRecheckAt(): number | undefined {
    return this.#pauses.nextRecheckAt;
  }

  /** When the first host may have a proxy; undefined when no host waits. */
  get nextEndAt(): number | undefined {
    return this.#pauses.nextEndAt;
  }

  /** Adds a host that waits. Returns whether the shortage is to be reported: it lasts well beyond the end that was reported before. */
  add(host: string, { until, why, exhaustion, now }: HostWait): boolean {
    if (exhaustion !== undefined || !this.#isExhausted) this.#why = exhaustion ?? why;
    this.#isExhausted ||= exhaustion !== undefined;
    this.#pauses.pause(host, until, Math.min(until, now + recheckInterval));
    if (this.#isExhausted) return false;
    const isNews = until > this.#reportedUntil + recheckInterval;
    this.#reportedUntil = Math.max(until, this.#reportedUntil);
    return isNews;
  }

  /** Removes and returns the hosts to check again at `now`. */
  takeDueHosts(now: number): readonly string[] {
    return this.#pauses.takeDue(now);
  }
}
