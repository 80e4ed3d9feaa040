import type { Clock } from "@holdfast/policy";
import type { HostInput } from "../host/host-input.ts";
import { type HostRule, isOpen, nextHostState, type Standing } from "../host/host-state.ts";
import type { JobLease, Ledger, StoredHost } from "../ledger/ledger.ts";
import type { HostChange } from "../outcome/judge-by-host.ts";
import { activate, type ActiveHost, comesBefore, hasLines, turnOf } from "./active-host.ts";
import { earliest } from "./host-pauses.ts";
import type { TotalPace } from "./total-pace.ts";

type SchedulerLedger = Pick<
  Ledger,
  "readyHosts" | "nextWakeAt" | "claim" | "putBack" | "nextDueAt" | "saveHost"
>;

export interface HostSchedulerOptions {
  readonly ledger: SchedulerLedger;
  readonly clock: Clock;
  /** Requests at a time, over all hosts. */
  readonly concurrency: number;
  /** Returns the rule of a host with this key. */
  readonly ruleOf: (key: string) => HostRule;
  /** The limits of the whole run. */
  readonly pace: TotalPace;
  /** Receives a host after its standing changed. */
  readonly onChange: (host: StoredHost) => void;
  /** Must end the lines of a host that is given up. */
  readonly onGone: (host: StoredHost) => void;
}

/** A request that has ended. */
export interface FinishedRequest {
  /** The key of its host. */
  readonly key: string;
  /** Epoch ms. */
  readonly sentAt: number;
  /** Requests in flight to the host, with this one. */
  readonly inFlight: number;
}

/** Hosts in memory: enough to let many take turns, few enough to be bounded. */
const minWindow = 256;
/** A host that waits longer than this is kept in the ledger only, in ms. */
const longestWaitInMemory = 5_000;
/** Place is kept for hosts that may start a request this soon, in ms. */
const soon = 500;
/** The step between the places in the list that probes come from: the golden ratio spreads them. */
const probeStep = 0.618_033_988_75;

/**
 * Chooses the next line to fetch. Hosts take turns by the time that their requests hold places: a host without a request
 * in flight comes first, and further places go to the host that used the least. Which hosts may start is the decision of
 * `HostState` alone. Hosts that wait are in the ledger, where the query for the next ones skips them.
 */
export class HostScheduler {
  readonly #options: HostSchedulerOptions;
  readonly #window: number;
  readonly #hosts = new Map<number, ActiveHost>();
  #mayHaveHosts = true;
  #nextWakeAt: number | undefined;
  /** The time used by the host that started last: a new host begins with it, and does not make up for the past. */
  #used = 0;
  #probes = 0;
  #nextAt: number | undefined;

  constructor(options: HostSchedulerOptions) {
    this.#options = options;
    this.#window = Math.max(minWindow, 4 * options.concurrency);
    this.#nextWakeAt = options.ledger.nextWakeAt(options.clock.date());
  }

  /** When a line can be started next if nothing else happens, in epoch ms; undefined when none waits. Counts from the last `take`. */
  get nextAt(): number | undefined {
    return earliest([this.#nextAt, this.#nextWakeAt]);
  }

  /** Returns up to `max` leases to fetch now. Each counts against its host until `finish`. @throws LedgerError */
  take(max: number): readonly JobLease[] {
    const leases: JobLease[] = [];
    for (let lease = this.#next(max); lease !== undefined; lease = this.#next(max - leases.length)) {
      leases.push(lease);
      if (leases.length >= max) break;
    }
    return leases;
  }

  /** Frees the place of a request, and applies what it said about its host. Returns the last step of that. */
  finish(lease: JobLease, readInputs: (request: FinishedRequest) => readonly HostInput[]): HostChange {
    const host = this.#find(lease.host);
    const now = this.#options.clock.date();
    const sentAt = host.started.get(lease.job.id) ?? now;
    const inputs = readInputs({ key: host.key, sentAt, inFlight: host.started.size });
    host.started.delete(lease.job.id);
    host.used += now - sentAt - host.latest;
    host.latest = Math.max(1, now - sentAt);
    let change = this.#apply(host, inputs[0] ?? { type: "nothing", now, sentAt });
    for (const input of inputs.slice(1)) change = this.#apply(host, input);
    return change;
  }

  /** Takes a lease back of which nothing was sent, and pauses its host until `resume`. */
  pause(lease: JobLease): void {
    const host = this.#find(lease.host);
    host.leases.unshift(lease);
    host.isPaused = true;
  }

  /** Ends the pause of a host with this key. */
  resume(key: string): void {
    for (const host of this.#hosts.values()) if (host.key === key) host.isPaused = false;
  }

  /** Whether each request in flight is the probe of a host. */
  get isOnlyProbing(): boolean {
    return [...this.#hosts.values()].every(
      ({ started, state }) => started.size === 0 || isOpen(state.standing),
    );
  }

  /** Returns whether a host has no line that is in flight or waits. */
  isFinished(id: number): boolean {
    const host = this.#find(id);
    if (host.started.size > 0) return false;
    if (host.leases.length === 0 && host.mayHaveLines) this.#claim(host, this.#options.clock.date());
    return !hasLines(host);
  }

  /** Must be called when the ledger has new lines. */
  linesAdded(): void {
    this.#mayHaveHosts = true;
    for (const host of this.#hosts.values()) host.mayHaveLines = true;
  }

  /** Must be called after a commit, with the lines that were deferred: hosts may be in the ledger only. */
  committed(deferred: readonly JobLease[]): void {
    for (const { host: id } of deferred) {
      const host = this.#hosts.get(id);
      if (host !== undefined) host.mayHaveLines = true;
    }
    this.#mayHaveHosts = true;
    this.#nextWakeAt = this.#options.ledger.nextWakeAt(this.#options.clock.date());
  }

  /** Stages the states of all hosts for the next commit, and takes back what was not started. */
  close(): void {
    for (const host of this.#hosts.values()) this.#save(host, 0);
    this.#hosts.clear();
  }

  #next(max: number): JobLease | undefined {
    const { clock, pace } = this.#options;
    const now = clock.date();
    for (;;) {
      this.#load(now);
      const host = this.#choose(now, max);
      if (host === undefined) return undefined;
      if (pace.nextStartAt > now) {
        this.#nextAt = pace.nextStartAt;
        return undefined;
      }
      const lease = this.#claimTurn(host, now);
      if (lease === undefined) continue;
      this.#used = Math.max(this.#used, host.used);
      host.used += host.latest;
      host.started.set(lease.job.id, now);
      pace.started(now);
      host.state = nextHostState(host.state, { type: "started", now }, host.rule);
      return lease;
    }
  }

  /** Returns the host that comes first of those that can start a request with `free` places. */
  #choose(now: number, free: number): ActiveHost | undefined {
    let first: ActiveHost | undefined;
    let comingSoon = 0;
    this.#nextAt = undefined;
    for (const host of this.#hosts.values()) {
      if (host.state.standing.at === "gone" && hasLines(host)) this.#end(host);
      const turn = turnOf(host, now);
      if (turn.at === "wait") comingSoon += this.#wait(host, turn.until, now);
      else if (first === undefined || comesBefore(host, first)) first = host;
    }
    return first !== undefined && first.started.size > 0 && free <= comingSoon ? undefined : first;
  }

  /** Notes that a host waits. Returns 1 if a place must be kept for it. */
  #wait(host: ActiveHost, until: number | undefined, now: number): 0 | 1 {
    const isLong = until === undefined ? !hasLines(host) : until > now + longestWaitInMemory;
    if (isLong) this.#evict(host, until);
    else if (until !== undefined) {
      this.#nextAt = earliest([this.#nextAt, until]);
      return host.started.size === 0 && until <= now + soon ? 1 : 0;
    }
    return 0;
  }

  /** Claims the line of a host's turn; undefined when it has none now. */
  #claimTurn(host: ActiveHost, now: number): JobLease | undefined {
    const turn = turnOf(host, now);
    if (turn.at === "start" && turn.isProbe) {
      this.#probes += 1;
      const from = (this.#probes * probeStep) % 1;
      const [lease] = this.#options.ledger.claim(host.id, { now, max: 1, from });
      if (lease !== undefined) return lease;
    }
    if (host.leases.length === 0) this.#claim(host, now);
    return host.leases.shift();
  }

  #claim(host: ActiveHost, now: number): void {
    const { ledger } = this.#options;
    const max = 2 * Math.min(host.rule.perHost, Math.ceil(host.state.pace.limit));
    const leases = ledger.claim(host.id, { now, max });
    host.leases.push(...leases);
    host.mayHaveLines = leases.length === max;
    host.nextDueAt = host.mayHaveLines ? undefined : ledger.nextDueAt(host.id);
  }

  #load(now: number): void {
    if (this.#nextWakeAt !== undefined && this.#nextWakeAt <= now) {
      this.#mayHaveHosts = true;
      this.#nextWakeAt = this.#options.ledger.nextWakeAt(now);
    }
    const room = this.#window - this.#hosts.size;
    if (!this.#mayHaveHosts || room < this.#window / 2) return;
    const hosts = this.#options.ledger.readyHosts(now, room, this.#hosts);
    for (const host of hosts)
      this.#hosts.set(host.id, activate(host, this.#options.ruleOf(host.key), this.#used));
    this.#mayHaveHosts = hosts.length === room;
  }

  /** Keeps a host in the ledger only. A host with requests in flight stays. */
  #evict(host: ActiveHost, until: number | undefined): void {
    if (host.started.size > 0 || host.isPaused) return;
    this.#save(host, until);
    this.#hosts.delete(host.id);
    if (until !== undefined) this.#nextWakeAt = earliest([this.#nextWakeAt, until]);
  }

  #save(host: ActiveHost, wakeAt: number | undefined): void {
    const { ledger } = this.#options;
    if (host.leases.length > 0) ledger.putBack(host.leases.splice(0));
    const { id, key, state } = host;
    ledger.saveHost({
      id,
      key,
      state,
      wakeAt: wakeAt === undefined ? undefined : Math.max(wakeAt, wakeTime(state.standing)),
    });
  }

  #apply(host: ActiveHost, input: HostInput): HostChange {
    const { id, key, state: before } = host;
    const after = nextHostState(before, input, host.rule);
    host.state = after;
    if (after.standing.at !== before.standing.at) {
      // A crash must not forget that the host waits.
      this.#options.ledger.saveHost({ id, key, state: after, wakeAt: wakeTime(after.standing) });
      this.#options.onChange({ id, key, state: after });
    }
    return { before, after, input };
  }

  /** Ends the lines of a host that is given up. */
  #end(host: ActiveHost): void {
    this.#options.ledger.putBack(host.leases.splice(0));
    this.#options.onGone(host);
    host.mayHaveLines = false;
    host.nextDueAt = undefined;
  }

  #find(id: number): ActiveHost {
    const host = this.#hosts.get(id);
    if (host === undefined) throw new TypeError(`Host ${id} is not in memory`);
    return host;
  }
}

/** Returns when a host with this standing may get a request; 0 for immediately. */
function wakeTime(standing: Standing): number {
  switch (standing.at) {
    case "serving":
    case "gone":
      return 0;
    case "parked":
      return standing.until;
    case "silent":
    case "failing":
    case "refusing":
      return standing.probeAt;
  }
}
