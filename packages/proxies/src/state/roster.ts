import { bypasses, withOwnErrors } from "@holdfast/http/internal";
import type { Clock } from "@holdfast/policy";
import type { ProxySpec } from "../list/parse-entry.ts";
import { requireValid, type ProxyList } from "../list/proxy-list.ts";
import { Member } from "./member.ts";
import type { ProxyLabels } from "./proxy-labels.ts";
import type { SourceReader } from "./sources.ts";

/** Receives the changes of a roster. */
export interface RosterListener {
  readonly joined: (member: Member) => void;
  readonly left: (member: Member) => void;
  readonly refreshed: (counts: {
    readonly proxies: number;
    readonly joined: number;
    readonly left: number;
  }) => void;
  readonly refreshFailed: (error: unknown) => void;
  readonly invalidProxy: (reason: string) => void;
}

// Keeps a source that fails, or that returns blocked proxies, from being read in a loop.
const minRefreshInterval = 5_000;

/** Options of `Roster`. */
export interface RosterOptions {
  readonly clock: Clock;
  readonly tier: number;
  /** Names the proxies of all tiers. */
  readonly labels: ProxyLabels;
}

/** The proxies of one source, which it reads at the start and again when due. */
export class Roster {
  readonly #reader: SourceReader;
  readonly #clock: Clock;
  readonly #tier: number;
  #listener: RosterListener | undefined;
  readonly #members = new Map<string, Member>();
  readonly #labels: ProxyLabels;
  #readAt: number;
  #reading: Promise<void> | undefined;
  #started = false;
  #arrivals = 0;
  #first: ProxyList = { proxies: [], faults: [] };

  constructor(reader: SourceReader, { clock, tier, labels }: RosterOptions) {
    this.#reader = reader;
    this.#labels = labels;
    this.#clock = clock;
    this.#tier = tier;
    this.#readAt = clock.now();
  }

  /** Adds the proxies that are known without reading, and reports all changes to the listener from now on. */
  open(listener: RosterListener): void {
    this.#listener = listener;
    if (this.#reader.initial === undefined) return;
    this.#take(this.#reader.initial);
    this.#started = true;
  }

  /** Whether a source may ask for other proxies after cooldowns, as `{ fetch }` does. */
  get replacesAfterCooldowns(): boolean {
    return this.#reader.afterCooldowns < Infinity;
  }

  get members(): IterableIterator<Member> {
    return this.#members.values();
  }

  get size(): number {
    return this.#members.size;
  }

  /** The number of proxies that have joined so far. */
  get arrivals(): number {
    return this.#arrivals;
  }

  /** Whether the source is read again, so that proxies may join or leave. */
  get canChange(): boolean {
    return this.#reader.every < Infinity;
  }

  get exempt(): string | undefined {
    return this.#reader.exempt;
  }

  /**
   * Returns the first reading; undefined once it is done. After an error the next call reads again.
   *
   * @throws the errors of the source; TypeError for a list with an invalid proxy.
   */
  started(): Promise<void> | undefined {
    if (this.#started) return undefined;
    if (this.#reading !== undefined) return withOwnErrors(this.#reading);
    return (this.#reading = this.#start());
  }

  /** Starts to read the source if it is due, or early if too few proxies are available or one had too many cooldowns. */
  refresh(need: { readonly available: number; readonly cooldowns: number }): void {
    const pause = this.#clock.now() - this.#readAt;
    const wanted =
      need.available < this.#reader.minAvailable || need.cooldowns >= this.#reader.afterCooldowns;
    const due = Math.min(this.#reader.every, wanted ? minRefreshInterval : Infinity);
    if (!this.#started || this.#reading !== undefined || pause < due) return;
    this.#reading = this.#again();
  }

  /** Waits for a reading in progress. */
  settled(): Promise<void> {
    return this.#reading ?? Promise.resolve();
  }

  async #start(): Promise<void> {
    try {
      // An unchanged file reads as undefined: its former result, invalid proxies included, counts again.
      this.#first = (await this.#reader.read()) ?? this.#first;
      this.#take(requireValid(this.#first));
      this.#started = true;
    } finally {
      this.#readAt = this.#clock.now();
      this.#reading = undefined;
    }
  }

  async #again(): Promise<void> {
    this.#readAt = this.#clock.now();
    try {
      const list = await this.#reader.read();
      if (list !== undefined) this.#replace(list);
    } catch (error) {
      this.#listener?.refreshFailed(error);
    } finally {
      this.#reading = undefined;
    }
  }

  #replace({ proxies, faults }: ProxyList): void {
    for (const fault of faults) this.#listener?.invalidProxy(fault);
    // A source that suddenly returns no proxy is more likely broken than right.
    if (proxies.length === 0 && this.#members.size > 0) {
      return this.#listener?.refreshFailed(
        new Error("the source returned no proxies; the pool keeps the former ones"),
      );
    }
    this.#take(proxies);
  }

  #take(proxies: readonly ProxySpec[]): void {
    const ids = new Set(proxies.map(({ id }) => id));
    const leaving = [...this.#members].filter(([id]) => !ids.has(id));
    const joining = proxies.filter(({ id }) => !this.#members.has(id));
    for (const spec of proxies) {
      const known = this.#members.get(spec.id);
      if (known !== undefined) known.spec = spec;
    }
    for (const [id, member] of leaving) {
      this.#members.delete(id);
      this.#labels.release(member.spec.label, member.label);
      this.#listener?.left(member);
    }
    this.#arrivals += joining.length;
    for (const spec of joining) {
      const member = new Member(spec, this.#labels.take(spec.label), this.#tier);
      this.#members.set(spec.id, member);
      this.#listener?.joined(member);
    }
    if (!this.#started) return;
    this.#listener?.refreshed({
      proxies: this.#members.size,
      joined: joining.length,
      left: leaving.length,
    });
  }
}

/** The proxies of all tiers, the cheapest tier first. */
export class TieredRoster {
  readonly #rosters: readonly Roster[];

  constructor(rosters: readonly Roster[]) {
    this.#rosters = rosters;
  }

  /** Adds the proxies that are known without reading. */
  open(listener: RosterListener): void {
    for (const roster of this.#rosters) roster.open(listener);
  }

  /** Whether the pool has one proxy, and no source replaces it. */
  get hasOnlyProxy(): boolean {
    return this.size === 1 && !this.#rosters.some((roster) => roster.replacesAfterCooldowns);
  }

  get size(): number {
    return this.#rosters.reduce((sum, roster) => sum + roster.size, 0);
  }

  /** The number of proxies that have joined so far. */
  get arrivals(): number {
    return this.#rosters.reduce((sum, roster) => sum + roster.arrivals, 0);
  }

  *[Symbol.iterator](): Iterator<Member> {
    for (const roster of this.#rosters) yield* roster.members;
  }

  of(tier: number): Iterable<Member> {
    return this.#rosters[tier]?.members ?? [];
  }

  /** Whether the source is read again, so that proxies may join or leave. */
  get canChange(): boolean {
    return this.#rosters.some(({ canChange }) => canChange);
  }

  /** Returns whether no source exempts a URL. */
  covers(url: URL): boolean {
    return !this.#rosters.some(({ exempt }) => exempt !== undefined && bypasses(url, exempt));
  }

  /** Returns the first readings, one source after the other; undefined once they are done. @throws the errors of a source. */
  started(): Promise<void> | undefined {
    for (const roster of this.#rosters) {
      const first = roster.started();
      if (first !== undefined) return first.then(() => this.started());
    }
    return undefined;
  }

  /** Waits for the first readings and for those in progress. @throws the errors of a source. */
  async settled(): Promise<void> {
    for (const roster of this.#rosters) await (roster.started() ?? roster.settled());
  }

  /**
   * Starts to read each source that is due.
   *
   * @param unavailable number of proxies that are unavailable for every host.
   * @param cooldowns consecutive cooldowns of the proxy that was just reported.
   */
  refresh({ unavailable, cooldowns }: { readonly unavailable: number; readonly cooldowns: number }): void {
    const available = this.size - unavailable;
    for (const roster of this.#rosters) roster.refresh({ available, cooldowns });
  }
}
