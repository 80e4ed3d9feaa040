import type { Clock } from "@holdfast/policy";
import type { HealthTracker } from "./health-tracker.ts";
import type { ProxyEvent } from "../options/events.ts";
import { healthAt } from "./hosts.ts";
import { Identities, isExpired, nextSession, type IdentitiesOptions } from "./identities.ts";
import type { Host, Identity, Member } from "./member.ts";
import type { OutcomeKind, ProxyOutcome } from "../rules/outcome.ts";

export interface IdentityManagerOptions extends Omit<IdentitiesOptions, "onEnd"> {
  readonly clock: Clock;
  readonly health: HealthTracker;
  /** Cooldown of an identity at a host that names no wait, in milliseconds. */
  readonly cooldown: number;
  readonly emit: (event: ProxyEvent) => void;
  readonly onEnd: (identity: Identity) => void;
}

/** The identity of a key if it is available, otherwise the instant at which it will be. */
export type IdentityLookup = { readonly identity: Identity } | { readonly availableAt: number };

// The end of a busy proxy's requests is unknown, so check again after this time, in milliseconds.
const busyRetryDelay = 1_000;

const endsIdentity: ReadonlySet<OutcomeKind> = new Set([
  "blocked",
  "unreachable",
  "distorted",
  "proxy-failed",
  "proxy-suspected",
]);
const endsUnkeyedSession: ReadonlySet<OutcomeKind> = new Set(["throttled", "failed"]);

/** Manages the identities together with the health of their proxies: which continue, wait, or end. */
export class IdentityManager {
  readonly #options: IdentityManagerOptions;
  readonly #identities: Identities;

  constructor(options: IdentityManagerOptions) {
    this.#options = options;
    this.#identities = new Identities({
      ...options,
      onEnd: (identity, reason) => {
        options.emit({ type: "identity-ended", proxy: identity.member.label, reason });
        options.onEnd(identity);
      },
    });
  }

  get size(): number {
    return this.#identities.size;
  }

  /** Finds the identity of a key; undefined if a new one must begin. */
  find(key: string, host: Host): IdentityLookup | undefined {
    const identity = this.#identities.of(key);
    if (identity === undefined) return undefined;
    const now = this.#options.clock.now();
    if (isExpired(identity, now)) return this.#end(identity, "over");
    const restsUntil = identity.cooldowns.get(host.name) ?? 0;
    if (restsUntil > now) return { availableAt: restsUntil };
    const readiness = this.#options.health.readiness(identity.member, host, now);
    if (readiness === "ready") return { identity };
    if (readiness === "busy") return { availableAt: now + busyRetryDelay };
    // A throttled identity waits and stays the same.
    return isThrottled(identity.member, host)
      ? { availableAt: readiness.from }
      : this.#end(identity, "cooling-down");
  }

  /** Returns the identity for a request through a proxy; undefined if the proxy needs none. */
  identityFor(
    member: Member,
    { key, country }: { readonly key: string | undefined; readonly country: string | undefined },
  ): Identity | undefined {
    if (key === undefined && !member.isGateway) return undefined;
    const now = this.#options.clock.now();
    for (;;) {
      const current = key === undefined ? nextSession(member, country) : undefined;
      if (current === undefined) break;
      if (!isExpired(current, now)) return current;
      this.#end(current, "over");
    }
    this.#options.emit({ type: "identity-started", proxy: member.label });
    return this.#identities.begin({ member, key, country, now });
  }

  use(identity: Identity): void {
    this.#identities.use(identity, this.#options.clock.now());
  }

  /** Ends an identity after a block or a proxy failure. A throttled identity only waits. */
  recordOutcome(identity: Identity, host: Host, { kind, reason, retryAfter }: ProxyOutcome): void {
    // A session without a key is replaceable: the next one has another address.
    const isOver = endsIdentity.has(kind) || (identity.key === undefined && endsUnkeyedSession.has(kind));
    if (isOver) return this.#identities.end(identity, reason);
    if (kind !== "throttled" || !identity.member.isGateway) return;
    const { clock, cooldown } = this.#options;
    identity.cooldowns.set(host.name, clock.now() + (retryAfter ?? cooldown));
  }

  endByMember(member: Member): void {
    this.#identities.endByMember(member);
  }

  sweep(): void {
    this.#identities.sweep(this.#options.clock.now());
  }

  #end(identity: Identity, reason: string): undefined {
    this.#identities.end(identity, reason);
    return undefined;
  }
}

function isThrottled(member: Member, host: Host): boolean {
  return [member.health, healthAt(host, member)].every(
    (health) => health.at === "available" || health.throttled,
  );
}
