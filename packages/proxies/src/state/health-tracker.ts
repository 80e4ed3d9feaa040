import type { Clock, Random } from "@holdfast/policy";
import { attribute, mayBeOrigin, type AttributionInput } from "../rules/attribution.ts";
import type { ProxyEvent } from "../options/events.ts";
import { clearBlame, fit, isBlank, isRetired, next, type Health, type HealthInput } from "../rules/health.ts";
import { healthAt, setHealthAt } from "./hosts.ts";
import type { Readiness } from "./rotation-queue.ts";
import type { Host, Member } from "./member.ts";
import type { ProxyOutcome } from "../rules/outcome.ts";
import type { PoolSettings } from "../options/settings.ts";
import { FailureCorrelation } from "./failure-correlation.ts";

export interface HealthTrackerOptions extends Pick<
  PoolSettings,
  "rule" | "lenient" | "originFailure" | "proxyFailure"
> {
  readonly clock: Clock;
  readonly random: Random;
  /** How many proxies there are, and whether the one that is alone stays so. */
  readonly size: () => number;
  readonly isAlone: () => boolean;
  /** Hears that somebody rests no more who was to rest for longer. */
  readonly letOff: () => void;
  readonly tell: (event: ProxyEvent) => void;
}

/** An outcome, and whose: `began` is when the request was leased. */
export interface AttemptReport {
  readonly member: Member;
  readonly host: Host;
  readonly outcome: ProxyOutcome;
  readonly began: number;
  /** Whether the vendor's session had ended by then. */
  readonly sessionOver?: boolean;
}

/** What became of a report. */
export interface Attribution {
  /** Whether the host was at fault. */
  readonly originAtFault: boolean;
  /** Whether another address may do better at once. */
  readonly tryAnotherProxy: boolean;
}

const nothingElse = { kind: "one", originDown: false, sessionOver: false, atSeveralHosts: false } as const;

/** Keeps the health of the proxies, at each host and at all: asks the rules, notes what they say, and tells of it. */
export class HealthTracker {
  readonly #options: HealthTrackerOptions;
  readonly #suspicions: FailureCorrelation;
  /** How many proxies are not fit at any host. */
  #resting = 0;

  constructor(options: HealthTrackerOptions) {
    this.#options = options;
    const { originFailure: alike, proxyFailure: hosts, clock, size } = options;
    this.#suspicions = new FailureCorrelation({ alike, hosts, clock, fit: () => size() - this.#resting });
  }

  get unavailable(): number {
    return this.#resting;
  }

  /** Whether a proxy can serve a host; without one, whether it can serve any. */
  readiness(member: Member, host: Host | undefined, now: number): Readiness {
    const here = host === undefined ? fit : healthAt(host, member);
    let from = now;
    for (const health of [member.health, here]) {
      if (health.at === "available" || now >= health.until) continue;
      if (health.at === "probing") return "busy";
      from = Math.max(from, health.until);
    }
    if (from > now) return { from };
    return member.inFlight >= member.spec.maxConcurrent ? "busy" : "ready";
  }

  /** Takes note that a proxy was given a request, which is a probe where it has rested. */
  recordLease(member: Member, host: Host, now: number): void {
    this.#change(member, undefined, { type: "leased", now });
    this.#change(member, host, { type: "leased", now });
  }

  /** Takes note of what became of it, and says whom it was blamed on. */
  record({ member, host, outcome, began, sessionOver = false }: AttemptReport): Attribution {
    const { clock, random } = this.#options;
    const now = clock.now();
    // Nothing is kept of who has left.
    if (member.hasLeft)
      return { originAtFault: false, tryAnotherProxy: attribute(outcome.kind, nothingElse).tryAnotherProxy };
    const wasFit = member.health.at === "available";
    const { originDown, acquitted: suspects, atSeveralHosts } = this.#suspicions.note(member, host, outcome);
    if (suspects.length > 0) this.#acquit(host, suspects);
    const circumstances = { kind: this.#kindOf(member), originDown, sessionOver, atSeveralHosts };
    const { atHost, everywhere, tryAnotherProxy: another } = attribute(outcome.kind, circumstances);
    const until = outcome.retryAfter === undefined ? undefined : now + outcome.retryAfter;
    const facts = { now, began, reason: outcome.reason, random: random(), until };
    this.#change(member, host, { type: atHost, ...facts });
    this.#change(member, undefined, { type: everywhere, ...facts });
    if (wasFit || member.health.at === "available")
      member.coolsDownForSeveralHosts = member.health.at !== "available" && atSeveralHosts;
    return { originAtFault: originDown && mayBeOrigin(outcome.kind), tryAnotherProxy: another };
  }

  /** Takes note of how a proxy stood before it came in, where nothing is known of it yet. */
  restore(member: Member, host: Host | undefined, health: Health): void {
    const known = host === undefined ? member.health : healthAt(host, member);
    if (isBlank(known)) this.#set(member, host, health);
  }

  /** Takes note that a proxy has left. */
  remove(member: Member): void {
    if (member.health.at !== "available") this.#resting -= 1;
    member.health = fit;
  }

  /** Lets others try where a probe was lost. */
  releaseLostProbes(members: Iterable<Member>, hosts: Iterable<Host>): void {
    const now = this.#options.clock.now();
    const isLost = (health: Health): boolean => health.at === "probing" && now >= health.until;
    for (const member of members) if (isLost(member.health)) member.notifyIdle();
    for (const { healthByMember: pairs } of hosts)
      for (const [member, health] of pairs) if (isLost(health)) member.notifyIdle();
  }

  #kindOf(member: Member): AttributionInput["kind"] {
    if (member.isGateway) return "many";
    return this.#options.isAlone() ? "only" : "one";
  }

  /** Lets those off who were blamed for what turned out to be the host's fault. */
  #acquit(host: Host, suspects: readonly Member[]): void {
    const { rule, clock, tell, letOff } = this.#options;
    const now = clock.now();
    tell({ type: "origin-down", host: host.name, proxies: suspects.length });
    for (const member of suspects) {
      setHealthAt(host, member, clearBlame(rule, healthAt(host, member), now));
      if (!member.coolsDownForSeveralHosts) continue;
      this.#resting -= Number(member.health.at !== "available");
      member.health = clearBlame(rule, member.health, now);
      member.coolsDownForSeveralHosts = false;
      letOff();
    }
    // Its lines know of rests that are none any more.
    host.queues.clear();
  }

  #change(member: Member, host: Host | undefined, input: HealthInput): void {
    const before = host === undefined ? member.health : healthAt(host, member);
    const { rule, lenient } = this.#options;
    const after = next(this.#kindOf(member) === "one" ? rule : lenient, before, input);
    if (after === before) return;
    this.#set(member, host, after);
    this.#tell(member, host, { before, after, now: input.now });
  }

  #set(member: Member, host: Host | undefined, health: Health): void {
    if (host !== undefined) return setHealthAt(host, member, health);
    this.#resting += Number(member.health.at === "available") - Number(health.at === "available");
    member.health = health;
  }

  #tell(
    member: Member,
    host: Host | undefined,
    { before, after, now }: { readonly before: Health; readonly after: Health; readonly now: number },
  ): void {
    const { rule, clock, tell } = this.#options;
    const about = { proxy: member.label, ...(host !== undefined && { host: host.name }) };
    if (after.at === "probing") return tell({ type: "probed", ...about });
    if (after.at === "available")
      return before.at === "probing" ? tell({ type: "recovered", ...about }) : undefined;
    // A probe that told nothing is only followed by another.
    if (after.until <= now && !after.throttled) return;
    const { reason, cooldowns } = after;
    member.countCooldown(reason);
    const until = Math.ceil(clock.date() + after.until - now);
    tell({
      type: isRetired(rule, after) ? "retired" : "cooldown-started",
      ...about,
      reason,
      cooldowns,
      until,
    });
  }
}
