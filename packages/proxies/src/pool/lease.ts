import type { ProxyAvailability, ProxyRequest } from "@holdfast/http";
import type { PoolLease } from "../options/pool-lease.ts";
import type { ProxyOutcome } from "../rules/outcome.ts";
import type { Host, Identity, Member } from "../state/member.ts";

/** Data of one lease. */
export interface LeaseState {
  readonly member: Member;
  readonly host: Host;
  readonly identity: Identity | undefined;
  readonly request: ProxyRequest;
  readonly url: string;
  readonly began: number;
}

/** Receives the reports of leases. */
export interface LeaseOwner {
  /** Records the outcome of an attempt. Returns whether the proxy was at fault. */
  report(lease: LeaseState, outcome: ProxyOutcome): boolean;
  /** Tests a proxy that a response accuses, and records what the proxy itself says. */
  settle(lease: LeaseState, outcome: ProxyOutcome, testTunnel: () => Promise<void>): Promise<void>;
  /** Records that a body broke off after its success was reported. */
  reportBrokenBody(lease: LeaseState, outcome: ProxyOutcome): void;
  /** Returns the milliseconds until a proxy is available for the request of the lease. */
  availableIn(lease: LeaseState): number;
}

const notReported: ProxyOutcome = { kind: "void", reason: "not-reported" };

/** A proxy for one attempt. The data is in private fields, so that inspecting a lease shows no credentials. */
export class Lease implements PoolLease {
  readonly #state: LeaseState;
  readonly #owner: LeaseOwner;
  #proxyAtFault: boolean | undefined;
  #succeeded = false;

  constructor(state: LeaseState, owner: LeaseOwner) {
    this.#state = state;
    this.#owner = owner;
  }

  get url(): string {
    return this.#state.url;
  }

  get label(): string {
    return this.#state.member.label;
  }

  /** Whether the proxy receives the request itself, and does not only open a tunnel. */
  get isForwarded(): boolean {
    const { request, url } = this.#state;
    return request.url.protocol === "http:" && /^https?:/i.test(url);
  }

  get identity(): Pick<Identity, "cookies" | "userAgent"> | undefined {
    const { identity } = this.#state;
    return identity?.key === undefined ? undefined : identity;
  }

  /** Whether the attempt was reported. */
  get isReported(): boolean {
    return this.#proxyAtFault !== undefined;
  }

  get proxyAtFault(): boolean {
    return this.#proxyAtFault === true;
  }

  report(outcome: ProxyOutcome): void {
    if (this.isReported) return;
    this.#proxyAtFault = false;
    this.#succeeded = outcome.kind === "success";
    this.#proxyAtFault = this.#owner.report(this.#state, outcome);
  }

  /** Reports a suspicion, which has its effect at the host immediately, and has the proxy tested. */
  reportSuspicion(outcome: ProxyOutcome, testTunnel: () => Promise<void>): Promise<void> {
    const { suspicion: _, ...withoutSuspicion } = outcome;
    this.report(withoutSuspicion);
    return this.#owner.settle(this.#state, outcome, testTunnel);
  }

  /** Records that the body broke off after a success was reported. Only the first call counts. */
  reportBrokenBody(outcome: ProxyOutcome): void {
    if (this.#succeeded) this.#owner.reportBrokenBody(this.#state, outcome);
    this.#succeeded = false;
  }

  availability(): ProxyAvailability {
    return { proxyAtFault: this.proxyAtFault, availableIn: this.#owner.availableIn(this.#state) };
  }

  /** Returns the proxy without an outcome if nothing was reported. */
  [Symbol.dispose](): void {
    this.report(notReported);
  }

  toJSON(): { readonly proxy: string } {
    return { proxy: this.label };
  }
}
