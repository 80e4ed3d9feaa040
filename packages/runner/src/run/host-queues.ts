import { stripRootDot } from "@holdfast/policy/internal";
import type { JobLease } from "../ledger/ledger.ts";

interface HostQueue {
  readonly leases: JobLease[];
  active: number;
  /** Whether the host is in the ring. */
  isInRing: boolean;
  isPaused: boolean;
}

/** Returns the host and port of a URL. Limits apply to each host and port. */
export function readHost(url: string): string {
  return stripRootDot(new URL(url).host);
}

/** Orders leases so that hosts take turns, and no host has more than `perHost` at a time. */
export class HostQueues {
  readonly #perHost: number;
  readonly #queues = new Map<string, HostQueue>();
  #ring: string[] = [];
  #size = 0;

  constructor(perHost: number) {
    this.#perHost = perHost;
  }

  /** The number of leases that have not been taken. */
  get size(): number {
    return this.#size;
  }

  /** Whether `take` would return a lease. */
  get isReady(): boolean {
    return this.#ring.length > 0;
  }

  add(lease: JobLease): void {
    const host = readHost(lease.job.url);
    const queue = this.#queues.get(host) ?? { leases: [], active: 0, isInRing: false, isPaused: false };
    this.#queues.set(host, queue);
    queue.leases.push(lease);
    this.#size += 1;
    this.#joinRing(host, queue);
  }

  /** Returns a lease of the next host in turn; undefined when every host with leases is paused or at its limit. */
  take(): JobLease | undefined {
    const host = this.#ring.shift();
    const queue = host === undefined ? undefined : this.#queues.get(host);
    const lease = queue?.leases.shift();
    if (host === undefined || queue === undefined || lease === undefined) return undefined;
    queue.isInRing = false;
    queue.active += 1;
    this.#size -= 1;
    this.#joinRing(host, queue);
    return lease;
  }

  /** Takes a lease back, and pauses its host until `resume`. `finish` must follow. */
  pause(lease: JobLease): void {
    const host = readHost(lease.job.url);
    const queue = this.#queues.get(host);
    if (queue === undefined) return;
    queue.leases.unshift(lease);
    this.#size += 1;
    queue.isPaused = true;
    queue.isInRing = false;
    this.#ring = this.#ring.filter((name) => name !== host);
  }

  /** Ends the pause of a host. */
  resume(host: string): void {
    const queue = this.#queues.get(host);
    if (queue === undefined) return;
    queue.isPaused = false;
    this.#joinRing(host, queue);
  }

  /** Frees the place of a lease that was taken. */
  finish(lease: JobLease): void {
    const host = readHost(lease.job.url);
    const queue = this.#queues.get(host);
    if (queue === undefined) return;
    queue.active -= 1;
    if (queue.active === 0 && queue.leases.length === 0) this.#queues.delete(host);
    else this.#joinRing(host, queue);
  }

  /** Removes and returns every lease that has not been taken. */
  clear(): readonly JobLease[] {
    const leases = [...this.#queues.values()].flatMap((queue) => queue.leases.splice(0));
    this.#ring = [];
    for (const queue of this.#queues.values()) queue.isInRing = false;
    this.#size = 0;
    return leases;
  }

  #joinRing(host: string, queue: HostQueue): void {
    if (queue.isInRing || queue.isPaused || queue.leases.length === 0 || queue.active >= this.#perHost)
      return;
    queue.isInRing = true;
    this.#ring.push(host);
  }
}
