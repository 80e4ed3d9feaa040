import { bypasses } from "@holdfast/http/internal";
import type { Clock } from "@holdfast/policy";
import type { ProxySpec } from "../list/spec.ts";
import { requireValid, type ProxyList } from "../list/proxy-list.ts";
import { Member } from "./member.ts";
import type { SourceReader } from "./sources.ts";

/** Whom a roster tells of what changes. */
export interface RosterListener {
  readonly joined: (member: Member) => void;
  readonly left: (member: Member) => void;
  readonly refreshed: (counts: {
    readonly proxies: number;
    readonly joined: number;
    readonly left: number;
  }) => void;
  readonly failed: (error: unknown) => void;
  readonly fault: (reason: string) => void;
}

// A source that fails, or that gives what is blocked already, is not asked in a loop.
const leastPause = 5_000;

/** The proxies of one source: read at the start, and again when it is time. */
export class Roster {
  readonly #reader: SourceReader;
  readonly #clock: Clock;
  readonly #tier: number;
  readonly #listener: RosterListener;
  readonly #members = new Map<string, Member>();
  readonly #labels = new Map<string, { given: number; alive: number }>();
  #readAt: number;
  #reading: Promise<void> | undefined;
  #started = false;
  #arrivals = 0;
  #first: ProxyList = { proxies: [], faults: [] };

  constructor(
    reader: SourceReader,
    {
      clock,
      tier,
      listener,
    }: { readonly clock: Clock; readonly tier: number; readonly listener: RosterListener },
  ) {
    this.#reader = reader;
    this.#clock = clock;
    this.#tier = tier;
    this.#listener = listener;
    this.#readAt = clock.now();
    if (reader.initial === undefined) return;
    this.#take(reader.initial);
    this.#started = true;
  }

  get members(): IterableIterator<Member> {
    return this.#members.values();
  }

  get size(): number {
    return this.#members.size;
  }

  /** How many proxies have come in so far. */
  get arrivals(): number {
    return this.#arrivals;
  }

  /** Whether proxies may come and go by themselves. */
  get changes(): boolean {
    return this.#reader.every < Infinity;
  }

  get exempt(): string | undefined {
    return this.#reader.exempt;
  }

  /**
   * Waits for the first reading; undefined where there is nothing to wait for.
   *
   * @throws what the source throws, and TypeError for a list with a bad proxy; the next call tries again.
   */
  started(): Promise<void> | undefined {
    return this.#started ? undefined : (this.#reading ??= this.#start());
  }

  /** Reads the source again where its time has come, or where `hungry` says that there is too little. Nobody waits for it. */
  refresh(hungry: { readonly available: number; readonly cooldowns: number }): void {
    const pause = this.#clock.now() - this.#readAt;
    const wanted =
      hungry.available < this.#reader.minAvailable || hungry.cooldowns >= this.#reader.afterCooldowns;
    const due = Math.min(this.#reader.every, wanted ? leastPause : Infinity);
    if (!this.#started || this.#reading !== undefined || pause < due) return;
    this.#reading = this.#again();
  }

  /** Waits for a reading under way. */
  settled(): Promise<void> {
    return this.#reading ?? Promise.resolve();
  }

  async #start(): Promise<void> {
    try {
      // A file that has not changed since it was refused is refused again.
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
      this.#listener.failed(error);
    } finally {
      this.#reading = undefined;
    }
  }

  #replace({ proxies, faults }: ProxyList): void {
    for (const fault of faults) this.#listener.fault(fault);
    // A source that is empty all at once is more likely broken than right.
    if (proxies.length === 0 && this.#members.size > 0) {
      return this.#listener.failed(new Error("the source has no proxy any more"));
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
      this.#forgetLabel(member.spec.label);
      this.#listener.left(member);
    }
    this.#arrivals += joining.length;
    for (const spec of joining) {
      const member = new Member(spec, this.#labelFor(spec.label), this.#tier);
      this.#members.set(spec.id, member);
      this.#listener.joined(member);
    }
    if (!this.#started) return;
    this.#listener.refreshed({
      proxies: this.#members.size,
      joined: joining.length,
      left: leaving.length,
    });
  }

  /** Vendors have many accounts behind one address: they are told apart by number. */
  #labelFor(label: string): string {
    const { given = 0, alive = 0 } = this.#labels.get(label) ?? {};
    this.#labels.set(label, { given: given + 1, alive: alive + 1 });
    return given === 0 ? label : `${label}#${given + 1}`;
  }

  #forgetLabel(label: string): void {
    const { given = 0, alive = 0 } = this.#labels.get(label) ?? {};
    if (alive > 1) this.#labels.set(label, { given, alive: alive - 1 });
    else this.#labels.delete(label);
  }
}

/** The proxies of all tiers, the cheapest first. */
export class TieredRoster {
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
  refresh(cooldowns: number): void {
    const available = this.size - this.#resting();
    for (const roster of this.#rosters) roster.refresh({ available, cooldowns });
  }
}
