import type { Clock, Random } from "@holdfast/policy";
import { blameOf, isOriginDown, mayBeOrigin, suspect, type AlikeRule } from "./blame.ts";
import type { ProxyEvent } from "./events.ts";
import { fit, isBlank, isRetired, next, type Health, type HealthInput, type HealthRule } from "./health.ts";
import { healthAt, setHealthAt, type Host } from "./hosts.ts";
import type { Readiness } from "./line.ts";
import type { Member } from "./member.ts";
import type { ProxyOutcome } from "./outcome.ts";

export interface ClinicOptions {
  readonly rule: HealthRule;
  readonly alike: AlikeRule;
  readonly clock: Clock;
  readonly random: Random;
  readonly tell: (event: ProxyEvent) => void;
}

/** An outcome, and whose: `began` is when the request was leased. */
export interface Report {
  readonly member: Member;
  readonly host: Host;
  readonly outcome: ProxyOutcome;
  readonly began: number;
}

/** Keeps the health of the proxies, at each host and at all: asks the rules, notes what they say, and tells of it. */
export class Clinic {
  readonly #options: ClinicOptions;
  /** How many proxies are not fit at any host. */
  #resting = 0;

  constructor(options: ClinicOptions) {
    this.#options = options;
  }

  get resting(): number {
    return this.#resting;
  }

  /** Whether a proxy can serve a host; without one, whether it can serve any. */
  readiness(member: Member, host: Host | undefined, now: number): Readiness {
    const here = host === undefined ? fit : healthAt(host, member);
    let from = now;
    for (const health of [member.health, here]) {
      if (health.at === "fit" || now >= health.until) continue;
      if (health.at === "probing") return "busy";
      from = Math.max(from, health.until);
    }
    if (from > now) return { from };
    return member.inFlight >= member.spec.maxConcurrent ? "busy" : "ready";
  }

  /** Takes note that a proxy was given a request, which is a probe where it has rested. */
  leased(member: Member, host: Host, now: number): void {
    this.#change(member, undefined, { type: "leased", now });
    this.#change(member, host, { type: "leased", now });
  }

  /** Takes note of what became of it; says whether the origin is down, which nobody is blamed for. */
  settle({ member, host, outcome, began }: Report): boolean {
    // Nothing is kept of who has left.
    if (member.gone) return false;
    const now = this.#options.clock.now();
    const originDown = this.#suspect(host, member, outcome);
    const { atHost, everywhere } = blameOf(outcome.kind, { gateway: member.gateway, originDown });
    const until = outcome.retryAfter === undefined ? undefined : now + outcome.retryAfter;
    const facts = { now, began, reason: outcome.reason, random: this.#options.random(), until };
    this.#change(member, host, { type: atHost, ...facts });
    this.#change(member, undefined, { type: everywhere, ...facts });
    return originDown;
  }

  /** Takes note of how a proxy stood before it came in, where nothing is known of it yet. */
  recall(member: Member, host: Host | undefined, health: Health): void {
    const known = host === undefined ? member.health : healthAt(host, member);
    if (isBlank(known)) this.#set(member, host, health);
  }

  /** Takes note that a proxy has left. */
  left(member: Member): void {
    if (member.health.at !== "fit") this.#resting -= 1;
    member.health = fit;
  }

  /** Lets others try where a probe was lost. */
  sweep(members: Iterable<Member>, hosts: Iterable<Host>): void {
    const now = this.#options.clock.now();
    const isLost = (health: Health): boolean => health.at === "probing" && now >= health.until;
    for (const member of members) if (isLost(member.health)) member.stir();
    for (const { pairs } of hosts) for (const [member, health] of pairs) if (isLost(health)) member.stir();
  }

  #suspect(host: Host, member: Member, { kind }: ProxyOutcome): boolean {
    const { alike, clock, tell } = this.#options;
    const now = clock.now();
    if (kind === "success") host.suspicions = [];
    if (!mayBeOrigin(kind)) return false;
    const wasDown = isOriginDown(alike, host.suspicions, now);
    host.suspicions = suspect(alike, host.suspicions, { who: member, at: now });
    const isDown = isOriginDown(alike, host.suspicions, now);
    if (isDown && !wasDown) {
      tell({ type: "origin-down", host: host.name, proxies: host.suspicions.length });
      this.#acquit(host);
    }
    return isDown;
  }

  /** Ends the rests of those who were blamed for what turned out to be the origin's fault. */
  #acquit(host: Host): void {
    const now = this.#options.clock.now();
    for (const { who } of host.suspicions) {
      const health = healthAt(host, who);
      const { rests } = health;
      if (health.at !== "fit")
        setHealthAt(host, who, { at: "fit", rests: Math.max(0, rests - 1), score: 0, asOf: now });
    }
    // Its lines know of rests that are none any more.
    host.lines.clear();
  }

  #change(member: Member, host: Host | undefined, input: HealthInput): void {
    const before = host === undefined ? member.health : healthAt(host, member);
    const after = next(this.#options.rule, before, input);
    if (after === before) return;
    this.#set(member, host, after);
    this.#tell(member, host, { before, after, now: input.now });
  }

  #set(member: Member, host: Host | undefined, health: Health): void {
    if (host !== undefined) return setHealthAt(host, member, health);
    this.#resting += Number(member.health.at === "fit") - Number(health.at === "fit");
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
    if (after.at === "fit")
      return before.at === "probing" ? tell({ type: "recovered", ...about }) : undefined;
    // A probe that told nothing is only followed by another.
    if (after.until <= now && !after.throttled) return;
    const { reason, rests } = after;
    member.countRest(reason);
    const until = Math.ceil(clock.date() + after.until - now);
    tell({ type: isRetired(rule, after) ? "retired" : "rested", ...about, reason, rests, until });
  }
}
