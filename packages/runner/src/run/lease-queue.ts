import type { Clock } from "@holdfast/policy";
import type { JobLease, JobOutcome, Ledger } from "../ledger/ledger.ts";
import { HostQueues, readHost } from "./host-queues.ts";
import { deferredHostOutcome, HostDeferrals } from "./host-deferrals.ts";
import { RowSupply } from "./row-supply.ts";

export interface LeaseQueueOptions {
  readonly ledger: Pick<Ledger, "claim" | "claimDue" | "nextDueAt">;
  readonly clock: Clock;
  /** Requests at a time, over all hosts. */
  readonly concurrency: number;
  /** Requests at a time to one host and port. */
  readonly perHost: number;
  /** Receives the outcome of each lease that is deferred because its host is. */
  readonly onDeferred: (outcome: JobOutcome) => void;
}

/** Leases kept in memory: enough to look past a host that is at its limit, few enough to be bounded. */
const maxQueuedLeases = 8_192;

/** Claims rows of the ledger and hands them out host by host, except those of hosts that are deferred, paused or at their limit. */
export class LeaseQueue {
  readonly #options: LeaseQueueOptions;
  readonly #hostQueues: HostQueues;
  readonly #supply: RowSupply;
  readonly #hostDeferrals = new HostDeferrals();

  constructor(options: LeaseQueueOptions) {
    this.#options = options;
    this.#hostQueues = new HostQueues(options.perHost);
    this.#supply = new RowSupply(options.ledger, options.clock);
  }

  /** Epoch ms at which the next deferred row is due; undefined when no row is deferred. */
  get nextDueAt(): number | undefined {
    return this.#supply.nextDueAt;
  }

  /** Returns up to `max` leases to fetch now. Each counts against its host's limit until `finish`. @throws LedgerError */
  take(max: number): readonly JobLease[] {
    const leases: JobLease[] = [];
    while (leases.length < max) {
      this.#refill();
      const lease = this.#hostQueues.take();
      if (lease === undefined) break;
      if (!this.#deferIfHostIsDeferred(lease)) leases.push(lease);
    }
    return leases;
  }

  /** Frees the place of a lease at its host. */
  finish(lease: JobLease): void {
    this.#hostQueues.finish(lease);
  }

  /** Takes a lease back and pauses its host until `resume`. `finish` must follow. */
  pause(lease: JobLease): void {
    this.#hostQueues.pause(lease);
  }

  resume(host: string): void {
    this.#hostQueues.resume(host);
  }

  /** Defers the leases of a host until `until` (epoch ms). Returns whether that changed anything. */
  deferHost(host: string, until: number): boolean {
    return this.#hostDeferrals.defer(host, until);
  }

  /** Removes and returns the leases that were not taken. */
  clear(): readonly JobLease[] {
    return this.#hostQueues.clear();
  }

  /** Must be called when the ledger has `count` more rows. */
  rowsAdded(count: number): void {
    this.#supply.rowsAdded(count);
  }

  /** Must be called when rows were deferred in the ledger. */
  rowsDeferred(): void {
    this.#supply.rowsDeferred();
  }

  #refill(): void {
    const window = Math.max(64, 4 * this.#options.concurrency);
    while (!this.#hostQueues.isReady && this.#hostQueues.size < maxQueuedLeases) {
      const leases = this.#supply.claim(window);
      for (const lease of leases) this.#hostQueues.add(lease);
      if (leases.length === 0) return;
    }
  }

  #deferIfHostIsDeferred(lease: JobLease): boolean {
    const now = this.#options.clock.date();
    const until = this.#hostDeferrals.deferredUntil(readHost(lease.job.url), now);
    if (until === undefined) return false;
    this.#hostQueues.finish(lease);
    this.#options.onDeferred(deferredHostOutcome(lease, until, now));
    return true;
  }
}
