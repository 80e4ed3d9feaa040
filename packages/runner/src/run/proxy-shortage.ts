import type { ProxyWait } from "../outcome/no-proxy.ts";
import { HostPauses } from "./host-pauses.ts";

/** Proxies may come back earlier than was said, and new ones may be read: a host that waits for one is looked at again after this time. */
const recheckInterval = 5_000;

/** Why a host has to wait. */
interface Wait extends ProxyWait {
  /** Why no proxy will ever be fit, where none will. */
  readonly hopeless: string | undefined;
  readonly now: number;
}

/** Which hosts wait for a proxy, and whether there is hope of one. Times are epoch ms. */
export class ProxyShortage {
  readonly #pauses = new HostPauses();
  #why = "";
  #hopeless = false;
  #toldUntil = 0;

  /** Why no proxy was fit, the last time that none was. */
  get why(): string {
    return this.#why;
  }

  /** Whether waiting does not help. */
  get isExhausted(): boolean {
    return this.#hopeless;
  }

  /** Whether there is no hope, or some host still waits. */
  get isActive(): boolean {
    return this.#hopeless || this.#pauses.nextEndAt !== undefined;
  }

  /** When the first host is worth another look; undefined when none waits. */
  get nextRecheckAt(): number | undefined {
    return this.#pauses.nextRecheckAt;
  }

  /** When the first host may have a proxy; undefined when none waits. */
  get nextEndAt(): number | undefined {
    return this.#pauses.nextEndAt;
  }

  /** Takes note that a host has to wait; says whether that is news: it waits well beyond what was told of before. */
  add(host: string, { until, why, hopeless, now }: Wait): boolean {
    this.#why = hopeless ?? why;
    this.#hopeless ||= hopeless !== undefined;
    this.#pauses.pause(host, until, Math.min(until, now + recheckInterval));
    if (this.#hopeless) return false;
    const isNews = until > this.#toldUntil + recheckInterval;
    this.#toldUntil = Math.max(until, this.#toldUntil);
    return isNews;
  }

  /** Gives the hosts that are worth another look, once. */
  takeDueHosts(now: number): readonly string[] {
    return this.#pauses.takeDue(now);
  }
}
