import type { Random } from "@holdfast/policy";
import { Cookies } from "@holdfast/http/internal";
import type { Identity, Member } from "./member.ts";
import { isSessionTemplate, createSessionId } from "../list/template.ts";

/** Data of a new identity. */
export interface IdentityInit {
  readonly member: Member;
  readonly key: string | undefined;
  readonly country: string | undefined;
  readonly now: number;
}

/** Returns whether an identity has reached its limit of age, idleness or uses. */
export function isExpired({ member, bornAt, usedAt, uses }: Identity, now: number): boolean {
  const { own, maxUses } = member.spec.session;
  if (uses >= maxUses) return true;
  return member.isGateway && (now - bornAt >= own.ttl || now - usedAt >= own.idle);
}

export interface IdentitiesOptions {
  readonly random: Random;
  /** User agents for identities with a key. Each identity draws one and keeps it. */
  readonly userAgents: readonly string[];
  /** Most identities to keep. Beyond it, those that were unused for longest end. */
  readonly max: number;
  /** How long to keep an unused identity, in milliseconds. */
  readonly idle: number;
  /** Receives the end of each identity. */
  readonly onEnd: (identity: Identity, reason: string) => void;
}

/**
 * Returns the session for the next request without a key; undefined if a new session must begin. A fixed number of sessions
 * takes turns. Without such a number, no two requests share a session at the same time.
 */
export function nextSession(
  { sessionsByCountry: current, spec }: Member,
  country: string | undefined,
): Identity | undefined {
  const sessions = current.get(country ?? "") ?? noSessions;
  for (const session of sessions) {
    if (spec.sessions === Infinity ? session.inFlight === 0 : sessions.size >= spec.sessions) return session;
  }
  return undefined;
}

const noSessions: ReadonlySet<Identity> = new Set();

/** The identities of a pool by key, ordered by their last use. */
export class Identities {
  readonly #options: IdentitiesOptions;
  readonly #byKey = new Map<string, Identity>();
  #born = 0;

  constructor(options: IdentitiesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byKey.size;
  }

  of(key: string): Identity | undefined {
    return this.#byKey.get(key);
  }

  begin({ member, key, country, now }: IdentityInit): Identity {
    const { random, userAgents } = this.#options;
    const { address } = member.spec;
    this.#born += 1;
    const identity: Identity = {
      member,
      key,
      country,
      session: isSessionTemplate(address) ? createSessionId(address, random) : undefined,
      number: this.#born,
      cookies: key === undefined ? undefined : new Cookies(),
      userAgent: key === undefined ? undefined : userAgents[Math.floor(random() * userAgents.length)],
      bornAt: now,
      cooldowns: new Map(),
      usedAt: now,
      uses: 0,
      inFlight: 0,
      ended: false,
      url: undefined,
    };
    member.identities.add(identity);
    if (key === undefined) findCurrentSessions(identity).add(identity);
    else this.#byKey.set(key, identity);
    this.#shrink();
    return identity;
  }

  /** Records a use. */
  use(identity: Identity, now: number): void {
    identity.uses += 1;
    identity.inFlight += 1;
    identity.usedAt = now;
    if (identity.ended) return;
    // Moved to the end: both collections stay in the order of use.
    if (identity.key === undefined) return moveBack(findCurrentSessions(identity), identity);
    this.#byKey.delete(identity.key);
    this.#byKey.set(identity.key, identity);
  }

  /** Ends an identity once. */
  end(identity: Identity, reason: string): void {
    if (identity.ended) return;
    identity.ended = true;
    const { key, member } = identity;
    if (key !== undefined && this.#byKey.get(key) === identity) this.#byKey.delete(key);
    member.identities.delete(identity);
    if (key === undefined) findCurrentSessions(identity).delete(identity);
    this.#options.onEnd(identity, reason);
  }

  /** Ends all identities of a proxy that left. */
  endByMember(member: Member): void {
    for (const identity of member.identities) this.end(identity, "left");
  }

  /** Ends idle and expired identities. */
  sweep(now: number): void {
    for (const identity of this.#byKey.values()) {
      if (now - identity.usedAt < this.#options.idle && !isExpired(identity, now)) return;
      this.end(identity, "idle");
    }
  }

  /** Ends an eighth of the identities beyond the limit. Searching for the oldest each time would traverse deleted entries. */
  #shrink(): void {
    const { max } = this.#options;
    if (this.#byKey.size <= max) return;
    for (const identity of this.#byKey.values()) {
      if (this.#byKey.size <= max - Math.floor(max / 8)) return;
      this.end(identity, "too-many");
    }
  }
}

function findCurrentSessions({ member, country = "" }: Identity): Set<Identity> {
  const known = member.sessionsByCountry.get(country);
  if (known !== undefined) return known;
  const made = new Set<Identity>();
  member.sessionsByCountry.set(country, made);
  return made;
}

function moveBack(sessions: Set<Identity>, identity: Identity): void {
  sessions.delete(identity);
  sessions.add(identity);
}
