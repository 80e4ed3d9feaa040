import type { JobLease, JobOutcome } from "../ledger/ledger.ts";

/** The hosts that asked for a pause, and until when (epoch ms). */
export class HostDeferrals {
  readonly #until = new Map<string, number>();

  /** Defers a host; a later end wins. Returns whether the end changed. */
  defer(host: string, until: number): boolean {
    if (until <= (this.#until.get(host) ?? 0)) return false;
    this.#until.set(host, until);
    return true;
  }

  /** Returns the end of a host's deferral; undefined when the host is not deferred at `now`. */
  deferredUntil(host: string, now: number): number | undefined {
    const until = this.#until.get(host);
    if (until === undefined || until > now) return until;
    this.#until.delete(host);
    return undefined;
  }
}

/** Returns the outcome of a lease of a deferred host. Nothing was sent, so it does not count as a deferral. */
export function deferredHostOutcome(lease: JobLease, until: number, at: number): JobOutcome {
  const state = { at: "deferred", reason: "host-deferred", until, deferrals: lease.deferrals } as const;
  return {
    lease,
    state,
    advice: "The host asked for a pause; run the same command again after it",
    at,
  };
}
