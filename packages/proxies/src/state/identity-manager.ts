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
  /** How long an identity rests for a host that does not say how long, in milliseconds. */
  readonly cooldown: number;
  readonly emit: (event: ProxyEvent) => void;
  readonly onEnd: (identity: Identity) => void;
}

/** Who keeps a key: an identity that is fit, or when it is fit again. */
export type IdentityLookup = { readonly identity: Identity } | { readonly availableAt: number };

// When somebody will be done, nobody knows: it is worth another look after this time, in milliseconds.
const busyRetryDelay = 1_000;

const endsIdentity: ReadonlySet<OutcomeKind> = new Set([
  "blocked",
  "unreachable",
  "distorted",
  "proxy-failed",
]);
const endsUnkeyedSession: ReadonlySet<OutcomeKind> = new Set(["throttled", "failed"]);

/** Keeps the identities with the health of their proxies: who goes on, who waits, and who ends. */
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

  /** Who keeps a key; undefined where a new identity is to be begun. */
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
    // Who is only asked for patience stays who he is.
    return isThrottled(identity.member, host)
      ? { availableAt: readiness.from }
      : this.#end(identity, "cooling-down");
  }

  /** The identity by which a proxy serves a request; undefined where it serves everybody alike. */
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

  /** Ends an identity that the host or the proxy is done with; one that came too often only has to wait. */
  recordOutcome(identity: Identity, host: Host, { kind, reason, retryAfter }: ProxyOutcome): void {
    // A session without a key is nobody: the next one comes from another address.
    const isOver = endsIdentity.has(kind) || (identity.key === undefined && endsUnkeyedSession.has(kind));
    if (isOver) return this.#identities.end(identity, reason);
    if (kind !== "throttled" || !identity.member.isGateway) return;
    const { clock, cooldown } = this.#options;
    identity.cooldowns.set(host.name, clock.now() + (retryAfter ?? cooldown));
  }

  endAllOf(member: Member): void {
    this.#identities.endOf(member);
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
