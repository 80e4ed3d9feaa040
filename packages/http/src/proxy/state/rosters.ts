import { bypasses } from "../list/environment.ts";
import type { Member } from "./member.ts";
import type { Roster } from "./roster.ts";

/** The proxies of all tiers, the cheapest first. */
export class Rosters {
  readonly #rosters: readonly Roster[];
  readonly #resting: () => number;

  /** `resting` says how many of the proxies are not fit at any host. */
  constructor(rosters: readonly Roster[], resting: () => number) {
    this.#rosters = rosters;
    this.#resting = resting;
  }

  get size(): number {
    return this.#rosters.reduce((sum, roster) => sum + roster.size, 0);
  }

  /** How many proxies have come in so far. */
  get arrivals(): number {
    return this.#rosters.reduce((sum, roster) => sum + roster.arrivals, 0);
  }

  *[Symbol.iterator](): Iterator<Member> {
    for (const roster of this.#rosters) yield* roster.members;
  }

  of(tier: number): Iterable<Member> {
    return this.#rosters[tier]?.members ?? [];
  }

  /** Whether proxies may come and go by themselves. */
  get changes(): boolean {
    return this.#rosters.some(({ changes }) => changes);
  }

  /** Whether no source exempts a URL. */
  covers(url: URL): boolean {
    return !this.#rosters.some(({ exempt }) => exempt !== undefined && bypasses(url, exempt));
  }

  /** Waits for the first reading of each source, one after the other; undefined where there is nothing to wait for. @throws what a source throws. */
  started(): Promise<void> | undefined {
    for (const roster of this.#rosters) {
      const first = roster.started();
      if (first !== undefined) return first.then(() => this.started());
    }
    return undefined;
  }

  /** Waits for the first readings, and for those under way. @throws what a source throws. */
  async settled(): Promise<void> {
    for (const roster of this.#rosters) await (roster.started() ?? roster.settled());
  }

  /** Reads the sources again whose time has come, or that have too little; `rests` are those in a row of a proxy that was just reported on. */
  refresh(rests: number): void {
    const fit = this.size - this.#resting();
    for (const roster of this.#rosters) roster.refresh({ fit, rests });
  }
}
