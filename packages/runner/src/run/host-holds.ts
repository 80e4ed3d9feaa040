import type { JobLease, JobOutcome } from "../ledger/ledger.ts";

/** Remembers which hosts asked to be left alone, and until when (epoch ms). */
export class HostHolds {
  readonly #until = new Map<string, number>();

  /** Holds a host; a later end wins. Tells whether that changed anything. */
  hold(host: string, until: number): boolean {
    if (until <= (this.#until.get(host) ?? 0)) return false;
    this.#until.set(host, until);
    return true;
  }

  /** Gives the end of a host's hold; undefined when there is none at `now`. */
  heldUntil(host: string, now: number): number | undefined {
    const until = this.#until.get(host);
    if (until === undefined || until > now) return until;
    this.#until.delete(host);
    return undefined;
  }
}

/** The outcome of a lease whose host is held: nothing was sent, and it is no round of its own. */
export function heldOutcome(lease: JobLease, until: number, at: number): JobOutcome {
  const state = { at: "deferred", reason: "host-held", until, deferrals: lease.deferrals } as const;
  return {
    lease,
    state,
    advice: "The host asked to be left alone for a while; run the same command again then",
    at,
  };
}
