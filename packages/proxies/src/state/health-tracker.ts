import { decideEffects, mayBeOrigin, type EffectsInput } from "../rules/outcome-effects.ts";
import type { ProxyEvent } from "../options/events.ts";
import {
  clearBlame,
  blankHealth,
  isBlank,
  isRetired,
  nextHealth,
  type Health,
  type HealthInput,
} from "../rules/health.ts";
import { healthAt, setHealthAt } from "./hosts.ts";
import type { Readiness } from "./rotation-queue.ts";
import type { Host, Member } from "./member.ts";
import type { ProxyOutcome } from "../rules/outcome.ts";
import type { PoolSettings } from "../options/settings.ts";
import { FailureCorrelation } from "./failure-correlation.ts";

export interface HealthTrackerOptions extends Pick<
  PoolSettings,
  "rule" | "lenient" | "originFailure" | "proxyFailure" | "clock" | "random"
> {
  /** The members of the pool: their number, and whether the only one has no replacement. */
  readonly roster: { readonly size: number; readonly hasOnlyProxy: boolean };
  readonly emit: (event: ProxyEvent) => void;
}

/** The outcome of an attempt. `began` is the instant of its lease. */
export interface AttemptReport {
  readonly member: Member;
  readonly host: Host;
  readonly outcome: ProxyOutcome;
  readonly began: number;
  /** Whether the vendor's session had already ended. */
  readonly sessionOver?: boolean;
}

/** Where the tracker put the fault of an attempt. */
export interface RecordedAttempt {
  readonly originAtFault: boolean;
  /** Whether another proxy may do better immediately. */
  readonly tryAnotherProxy: boolean;
  /** Whether a cooldown for every host was cleared, so that a member can serve earlier than planned. */
  readonly blameCleared: boolean;
}

const noInput = { kind: "one", originDown: false, sessionOver: false, atSeveralHosts: false } as const;

/** Tracks the health of the proxies, per host and for every host. The rules are in rules/health and rules/outcome-effects. */
export class HealthTracker {
  readonly #options: HealthTrackerOptions;
  readonly #correlation: FailureCorrelation;
  readonly #listeners = new Set<() => void>();
  #unavailable = 0;

  constructor(options: HealthTrackerOptions) {
    this.#options = options;
    const { roster } = options;
    this.#correlation = new FailureCorrelation({
      ...options,
      countAvailable: () => roster.size - this.#unavailable,
    });
  }

  /** The number of proxies that are unavailable for every host. */
  get unavailable(): number {
    return this.#unavailable;
  }

  /** Calls `listener` after each change that an event reports. Returns a function that stops it. */
  onChange(listener: () => void): () => void {
    const notify = (): void => listener();
    this.#listeners.add(notify);
    return () => void this.#listeners.delete(notify);
  }

  /** Returns whether a proxy can serve a host; without a host, whether it can serve any. */
  readiness(member: Member, host: Host | undefined, now: number): Readiness {
    const here = host === undefined ? blankHealth : healthAt(host, member);
    let from = now;
    for (const health of [member.health, here]) {
      if (health.at === "available" || now >= health.until) continue;
      if (health.at === "probing") return "busy";
      from = Math.max(from, health.until);
    }
    if (from > now) return { from };
    return member.inFlight >= member.spec.maxConcurrent ? "busy" : "ready";
  }

  /** Records a lease. The first one after a cooldown is a probe. */
  recordLease(member: Member, host: Host, now: number): void {
    this.#change(member, undefined, { type: "leased", now });
    this.#change(member, host, { type: "leased", now });
  }

  /** Returns the outcome that counts, as `FailureCorrelation.weigh` decides. */
  weigh(member: Member, host: Host, outcome: ProxyOutcome): ProxyOutcome {
    return this.#correlation.weigh(member, host, outcome);
  }

  /** Records the outcome of an attempt and decides where the fault lies. */
  record({ member, host, outcome, began, sessionOver = false }: AttemptReport): RecordedAttempt {
    const { clock, random } = this.#options;
    const now = clock.now();
    if (member.hasLeft) {
      const { tryAnotherProxy } = decideEffects(outcome.kind, noInput);
      return { originAtFault: false, tryAnotherProxy, blameCleared: false };
    }
    const wasAvailable = member.health.at === "available";
    const { originDown, cleared, atSeveralHosts } = this.#correlation.record(member, host, outcome);
    const blameCleared = cleared.length > 0 && this.#clearBlame(host, cleared);
    const input = { kind: this.#classifyMember(member), originDown, sessionOver, atSeveralHosts };
    const { atHost, everywhere, tryAnotherProxy } = decideEffects(outcome.kind, input);
    const until = outcome.retryAfter === undefined ? undefined : now + outcome.retryAfter;
    const facts = { now, began, reason: outcome.reason, random: random(), until };
    this.#change(member, host, { type: atHost, ...facts });
    this.#change(member, undefined, { type: everywhere, ...facts });
    if (wasAvailable || member.health.at === "available")
      member.coolsDownForSeveralHosts = member.health.at !== "available" && atSeveralHosts;
    return { originAtFault: originDown && mayBeOrigin(outcome.kind), tryAnotherProxy, blameCleared };
  }

  /** Records what a proxy says about itself, apart from an attempt at a host. */
  recordOwnWord(member: Member, { kind, reason }: ProxyOutcome): void {
    if (member.hasLeft) return;
    const { clock, random } = this.#options;
    const now = clock.now();
    const { everywhere } = decideEffects(kind, noInput);
    // After a cooldown, the question to the proxy is the probe.
    this.#change(member, undefined, { type: "leased", now });
    const facts = { now, began: now, reason, random: random(), until: undefined };
    this.#change(member, undefined, { type: everywhere, ...facts });
  }

  /** Restores a health from a snapshot, unless something newer is known. */
  restore(member: Member, host: Host | undefined, health: Health): void {
    const known = host === undefined ? member.health : healthAt(host, member);
    if (isBlank(known)) this.#set(member, host, health);
  }

  /** Forgets a proxy that left. */
  remove(member: Member): void {
    if (member.health.at !== "available") this.#unavailable -= 1;
    member.health = blankHealth;
  }

  /** Makes members available to the queues again after a lost probe. */
  releaseLostProbes(members: Iterable<Member>, hosts: Iterable<Host>): void {
    const now = this.#options.clock.now();
    const isLost = (health: Health): boolean => health.at === "probing" && now >= health.until;
    for (const member of members) if (isLost(member.health)) member.notifyIdle();
    for (const { healthByMember: pairs } of hosts)
      for (const [member, health] of pairs) if (isLost(health)) member.notifyIdle();
  }

  #classifyMember(member: Member): EffectsInput["kind"] {
    if (member.isGateway) return "many";
    return this.#options.roster.hasOnlyProxy ? "only" : "one";
  }

  /**
   * Clears the blame of members for failures that were the host's fault. Returns whether a cooldown for every host was
   * cleared.
   */
  #clearBlame(host: Host, members: readonly Member[]): boolean {
    const { rule, clock } = this.#options;
    const now = clock.now();
    let clearedEverywhere = false;
    this.#emit({ type: "origin-down", host: host.name, proxies: members.length });
    for (const member of members) {
      setHealthAt(host, member, clearBlame(rule, healthAt(host, member), now));
      if (!member.coolsDownForSeveralHosts) continue;
      this.#unavailable -= Number(member.health.at !== "available");
      member.health = clearBlame(rule, member.health, now);
      member.coolsDownForSeveralHosts = false;
      clearedEverywhere = true;
    }
    // The queues of the host were built with cooldowns that no longer exist.
    host.queues.clear();
    return clearedEverywhere;
  }

  #change(member: Member, host: Host | undefined, input: HealthInput): void {
    const before = host === undefined ? member.health : healthAt(host, member);
    const { rule, lenient } = this.#options;
    const after = nextHealth(this.#classifyMember(member) === "one" ? rule : lenient, before, input);
    if (after === before) return;
    this.#set(member, host, after);
    this.#emitChange(member, host, { before, after, now: input.now });
  }

  #set(member: Member, host: Host | undefined, health: Health): void {
    if (host !== undefined) return setHealthAt(host, member, health);
    this.#unavailable += Number(member.health.at === "available") - Number(health.at === "available");
    member.health = health;
  }

  #emitChange(
    member: Member,
    host: Host | undefined,
    { before, after, now }: { readonly before: Health; readonly after: Health; readonly now: number },
  ): void {
    const { rule, clock } = this.#options;
    const about = { proxy: member.label, ...(host !== undefined && { host: host.name }) };
    if (after.at === "probing") return this.#emit({ type: "probed", ...about });
    if (after.at === "available")
      return before.at === "probing" ? this.#emit({ type: "recovered", ...about }) : undefined;
    // A probe without a result is followed by another one; it is not a new cooldown.
    if (after.until <= now && !after.throttled) return;
    const { reason, cooldowns } = after;
    member.countCooldown(reason);
    const until = Math.ceil(clock.date() + after.until - now);
    this.#emit({
      type: isRetired(rule, after) ? "retired" : "cooldown-started",
      ...about,
      reason,
      cooldowns,
      until,
    });
  }

  #emit(event: ProxyEvent): void {
    this.#options.emit(event);
    for (const notify of this.#listeners) notify();
  }
}
