import type { JobLease } from "../ledger/ledger.ts";

interface Queue {
  readonly leases: JobLease[];
  active: number;
  /** Whether the host stands in the ring. */
  ready: boolean;
  paused: boolean;
}

/** The part of a URL that limits apply to: host and port. */
export function parseHost(url: string): string {
  return new URL(url).host;
}

/** Orders leases so that hosts take turns and none has more than `perHost` at a time. */
export class Frontier {
  readonly #perHost: number;
  readonly #queues = new Map<string, Queue>();
  #ring: string[] = [];
  #size = 0;

  constructor(perHost: number) {
    this.#perHost = perHost;
  }

  /** Leases that have not been taken. */
  get size(): number {
    return this.#size;
  }

  /** Whether `take` would give one. */
  get ready(): boolean {
    return this.#ring.length > 0;
  }

  add(lease: JobLease): void {
    const host = parseHost(lease.job.url);
    const queue = this.#queues.get(host) ?? { leases: [], active: 0, ready: false, paused: false };
    this.#queues.set(host, queue);
    queue.leases.push(lease);
    this.#size += 1;
    this.#enter(host, queue);
  }

  /** Gives the next lease of the host whose turn it is; undefined when every host that has one is at its limit. */
  take(): JobLease | undefined {
    const host = this.#ring.shift();
    const queue = host === undefined ? undefined : this.#queues.get(host);
    const lease = queue?.leases.shift();
    if (host === undefined || queue === undefined || lease === undefined) return undefined;
    queue.ready = false;
    queue.active += 1;
    this.#size -= 1;
    this.#enter(host, queue);
    return lease;
  }

  /** Takes a lease back as it was, and gives nothing more of its host until that is resumed; `finish` is to follow. */
  pause(lease: JobLease): void {
    const host = parseHost(lease.job.url);
    const queue = this.#queues.get(host);
    if (queue === undefined) return;
    queue.leases.unshift(lease);
    this.#size += 1;
    queue.paused = true;
    queue.ready = false;
    this.#ring = this.#ring.filter((name) => name !== host);
  }

  /** Ends the pause of a host. */
  resume(host: string): void {
    const queue = this.#queues.get(host);
    if (queue === undefined) return;
    queue.paused = false;
    this.#enter(host, queue);
  }

  /** Gives back the place of a lease that was taken. */
  finish(lease: JobLease): void {
    const host = parseHost(lease.job.url);
    const queue = this.#queues.get(host);
    if (queue === undefined) return;
    queue.active -= 1;
    if (queue.active === 0 && queue.leases.length === 0) this.#queues.delete(host);
    else this.#enter(host, queue);
  }

  /** Gives up every lease that has not been taken. */
  clear(): readonly JobLease[] {
    const leases = [...this.#queues.values()].flatMap((queue) => queue.leases.splice(0));
    this.#ring = [];
    for (const queue of this.#queues.values()) queue.ready = false;
    this.#size = 0;
    return leases;
  }

  #enter(host: string, queue: Queue): void {
    if (queue.ready || queue.paused || queue.leases.length === 0 || queue.active >= this.#perHost) return;
    queue.ready = true;
    this.#ring.push(host);
  }
}
