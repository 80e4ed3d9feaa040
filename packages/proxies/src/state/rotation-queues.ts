import type { Random } from "@holdfast/policy";
import type { Hosts } from "./hosts.ts";
import { type HostReadiness, RotationQueue, type Readiness } from "./rotation-queue.ts";
import type { Host, Member } from "./member.ts";
import type { ProxyRequest } from "@holdfast/http";
import type { ChooseProxy, ProxyCandidate } from "../options/options.ts";
import { followsUse, rotations, type RotationName } from "../rules/rotation.ts";

/** A request for a proxy of one tier. */
export interface SelectionRequest {
  readonly host: Host;
  readonly tier: number;
  readonly request: ProxyRequest;
}

export interface RotationQueuesOptions {
  readonly rotation: RotationName | ChooseProxy;
  readonly random: Random;
  readonly hosts: Hosts;
  readonly roster: { of(tier: number): Iterable<Member> };
  readonly health: { readiness(member: Member, host: Host | undefined, now: number): Readiness };
}

// Each requested country creates a queue.
const maxQueues = 1_000;
// Skipping this many unavailable proxies is cheaper than a separate queue for the host.
const maxSkipped = 32;
// The most hosts with their own queues, each as long as the pool.
const maxOwners = 100;
const busyRetryDelay = 1_000;

/** Chooses the next proxy: from the common queue, or from a host's own queue if many proxies are unavailable for it. */
export class RotationQueues {
  readonly #options: RotationQueuesOptions;
  readonly #common = new Map<string, RotationQueue<Member>>();
  readonly #owners = new Set<Host>();

  constructor(options: RotationQueuesOptions) {
    this.#options = options;
  }

  /** Returns the proxy that serves next; undefined if none is available. */
  first(selection: SelectionRequest, now: number): Member | undefined {
    const { rotation } = this.#options;
    if (typeof rotation === "function") return this.#chosenBy(rotation, selection, now);
    return this.#queueFor(selection).first(now, this.#here(selection, now));
  }

  /** Records that the first proxy serves, after its use was counted. */
  serve(selection: SelectionRequest): void {
    if (typeof this.#options.rotation === "string") this.#queueFor(selection).serve();
  }

  /** Returns the earliest instant at which a proxy is available; `Infinity` if none ever will be. */
  nextFree(selection: SelectionRequest, now: number): number {
    if (typeof this.#options.rotation === "function") return this.#nextFreeOfAll(selection, now);
    const queue = this.#queueFor(selection);
    const known = queue.nextFree(now, this.#here(selection, now)) ?? Infinity;
    return queue.hasBusy ? Math.min(known, now + busyRetryDelay) : known;
  }

  /** Discards all queues, because proxies may be available earlier than their positions say. */
  clear(): void {
    this.#common.clear();
    for (const host of this.#owners) host.queues.clear();
  }

  add(member: Member): void {
    for (const [group, queue] of this.#all()) if (isIn(member, group)) queue.add(member);
  }

  #queueFor({ host, tier, request }: SelectionRequest): RotationQueue<Member> {
    const own = hasOwn(host);
    const queues = own ? host.queues : this.#common;
    const group = `${tier} ${request.country?.toLowerCase() ?? ""}`;
    const known = queues.get(group);
    if (known !== undefined) return known;
    if (queues.size >= maxQueues) queues.clear();
    if (own) this.#own(host);
    const queue = this.#made(own ? host : undefined);
    const members = [...this.#options.roster.of(tier)].filter((member) => isIn(member, group));
    // A rebuilt queue continues in the former order of use.
    for (const member of members.toSorted((a, b) => a.lastUsed - b.lastUsed)) queue.add(member);
    queues.set(group, queue);
    return queue;
  }

  /** Returns a check for cooldowns at this host, which the common queue does not know. */
  #here({ host }: SelectionRequest, now: number): HostReadiness<Member> | undefined {
    if (host.unavailable === 0 || hasOwn(host)) return undefined;
    return (member) => this.#options.health.readiness(member, host, now);
  }

  #own(host: Host): void {
    this.#owners.add(host);
    const [oldest] = this.#owners;
    if (this.#owners.size <= maxOwners || oldest === undefined) return;
    this.#owners.delete(oldest);
    oldest.queues.clear();
  }

  #made(host: Host | undefined): RotationQueue<Member> {
    const { rotation, random, health } = this.#options;
    const name = typeof rotation === "string" ? rotation : "round-robin";
    return new RotationQueue({
      rotation: rotations[name],
      followsUse: followsUse.has(name),
      random,
      readiness: (member, now) => health.readiness(member, host, now),
    });
  }

  *#all(): Iterable<readonly [group: string, queue: RotationQueue<Member>]> {
    yield* this.#common;
    for (const { queues } of this.#options.hosts) yield* queues;
  }

  #chosenBy(choose: ChooseProxy, selection: SelectionRequest, now: number): Member | undefined {
    const fit = new Map<ProxyCandidate, Member>();
    for (const member of this.#membersFor(selection)) {
      if (this.#options.health.readiness(member, selection.host, now) === "ready")
        fit.set(toCandidate(member), member);
    }
    if (fit.size === 0) return undefined;
    const chosen = fit.get(choose([...fit.keys()], selection.request));
    if (chosen === undefined) throw new TypeError("rotation must return one of the candidates");
    return chosen;
  }

  #nextFreeOfAll(selection: SelectionRequest, now: number): number {
    let earliest = Infinity;
    for (const member of this.#membersFor(selection)) {
      const readiness = this.#options.health.readiness(member, selection.host, now);
      if (readiness === "ready") return now;
      earliest = Math.min(earliest, readiness === "busy" ? now + busyRetryDelay : readiness.from);
    }
    return earliest;
  }

  *#membersFor({ tier, request }: SelectionRequest): Iterable<Member> {
    for (const member of this.#options.roster.of(tier))
      if (member.isIn(request.country?.toLowerCase())) yield member;
  }
}

function hasOwn({ unavailable, queues }: Host): boolean {
  return unavailable > maxSkipped || queues.size > 0;
}

function isIn(member: Member, group: string): boolean {
  const [tier, country] = group.split(" ");
  return member.tier === Number(tier) && member.isIn(country || undefined);
}

function toCandidate({ label, spec, uses, inFlight }: Member): ProxyCandidate {
  return { proxy: label, country: spec.country, weight: spec.weight, uses, inFlight };
}
