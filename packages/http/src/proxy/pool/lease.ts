import type { Host, Identity, Member } from "../state/member.ts";
import type { ProxyOutcome } from "../rules/outcome.ts";
import type { ProxyRequest } from "../options/options.ts";

/** What a further attempt may count on. */
export interface Prospect {
  /** Whether the address is to blame for how the attempt ended, so that another one may do better. */
  readonly blamed: boolean;
  /** In how many milliseconds an address is fit for the request: 0 when one is, `Infinity` when none ever will be. */
  readonly freeIn: number;
}

/** Where leases come back to. */
export interface LeaseDesk {
  /** Hears how an attempt went; says whether the address is to blame. */
  settle(lease: Lease, outcome: ProxyOutcome): boolean;
  /** Hears that a body broke off after its success was reported. */
  broke(lease: Lease, outcome: ProxyOutcome): void;
  prospect(lease: Lease, blamed: boolean): Prospect;
}

/** What a lease is about, and whom it goes back to. */
export interface LeaseTerms {
  readonly member: Member;
  readonly host: Host;
  readonly identity: Identity | undefined;
  readonly request: ProxyRequest;
  readonly proxy: string;
  readonly began: number;
  readonly desk: LeaseDesk;
}

const unknown: ProxyOutcome = { kind: "void", reason: "not-reported" };

/** A proxy for one attempt: report what became of it once, or dispose of the lease. */
export class Lease implements Disposable {
  readonly #terms: LeaseTerms;
  #blamed: boolean | undefined;
  #succeeded = false;

  constructor(terms: LeaseTerms) {
    this.#terms = terms;
  }

  // Getters: what inspects a lease does not show them.
  /** The URL to connect to, with the credentials: for the transport alone. */
  get proxy(): string {
    return this.#terms.proxy;
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
  get terms(): LeaseTerms {
    return this.#terms;
  }

  /** Whether the address is to blame for how the attempt ended. */
  get blamed(): boolean {
    return this.#blamed === true;
  }

  /** Gives the proxy back and says what became of the attempt; only the first report counts. */
  report(outcome: ProxyOutcome): void {
    if (this.#blamed !== undefined) return;
    this.#blamed = false;
    this.#succeeded = outcome.kind === "success";
    this.#blamed = this.#terms.desk.settle(this, outcome);
  }

  /** Says, after the report of a success, that the body broke off; only the first time counts. */
  broke(outcome: ProxyOutcome): void {
    if (this.#succeeded) this.#terms.desk.broke(this, outcome);
    this.#succeeded = false;
  }

  /** What a further attempt may count on, as things stand now. */
  prospect(): Prospect {
    return this.#terms.desk.prospect(this, this.blamed);
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
