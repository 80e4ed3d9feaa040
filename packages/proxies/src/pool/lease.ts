import type { Host, Identity, Member } from "../state/member.ts";
import type { ProxyOutcome } from "../rules/outcome.ts";
import type { PoolLease } from "../options/pool-lease.ts";
import type { ProxyAvailability, ProxyRequest } from "@holdfast/http";

/** Where leases come back to. */
export interface LeaseOwner {
  /** Hears how an attempt went; says whether the address is to blame. */
  report(lease: Lease, outcome: ProxyOutcome): boolean;
  /** Hears that a body broke off after its success was reported. */
  reportBrokenBody(lease: Lease, outcome: ProxyOutcome): void;
  availability(lease: Lease, blamed: boolean): ProxyAvailability;
}

/** What a lease is about, and whom it goes back to. */
export interface LeaseState {
  readonly member: Member;
  readonly host: Host;
  readonly identity: Identity | undefined;
  readonly request: ProxyRequest;
  readonly url: string;
  readonly began: number;
  readonly owner: LeaseOwner;
}

const unknown: ProxyOutcome = { kind: "void", reason: "not-reported" };

/** A proxy for one attempt: report what became of it once, or dispose of the lease. */
export class Lease implements PoolLease {
  readonly #terms: LeaseState;
  #blamed: boolean | undefined;
  #succeeded = false;

  constructor(terms: LeaseState) {
    this.#terms = terms;
  }

  // Getters: what inspects a lease does not show them.
  /** The URL to connect to, with the credentials: for the transport alone. */
  get url(): string {
    return this.#terms.url;
  }

  /** What may be shown of it. */
  get label(): string {
    return this.#terms.member.label;
  }

  /** The cookies and the user agent to go with it, where the request belongs to a sticky identity. */
  get identity(): Pick<Identity, "cookies" | "userAgent"> | undefined {
    return this.#terms.identity?.key === undefined ? undefined : this.#terms.identity;
  }

  /** What the pool is to know of it; the pool's own. */
  get terms(): LeaseState {
    return this.#terms;
  }

  /** Whether the attempt was reported. */
  get isReported(): boolean {
    return this.#blamed !== undefined;
  }

  /** Whether the address is to blame for how the attempt ended. */
  get proxyAtFault(): boolean {
    return this.#blamed === true;
  }

  /** Gives the proxy back and says what became of the attempt; only the first report counts. */
  report(outcome: ProxyOutcome): void {
    if (this.#blamed !== undefined) return;
    this.#blamed = false;
    this.#succeeded = outcome.kind === "success";
    this.#blamed = this.#terms.owner.report(this, outcome);
  }

  /** Says, after the report of a success, that the body broke off; only the first time counts. */
  reportBrokenBody(outcome: ProxyOutcome): void {
    if (this.#succeeded) this.#terms.owner.reportBrokenBody(this, outcome);
    this.#succeeded = false;
  }

  /** What a further attempt may count on, as things stand now. */
  availability(): ProxyAvailability {
    return this.#terms.owner.availability(this, this.proxyAtFault);
  }

  /** Gives the proxy back without a word on it, where nothing was reported. */
  [Symbol.dispose](): void {
    this.report(unknown);
  }

  /** What is fit for a log. */
  toJSON(): { readonly proxy: string } {
    return { proxy: this.label };
  }
}
