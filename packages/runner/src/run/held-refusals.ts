import type { HostState } from "../host/host-state.ts";
import { isRepeatable } from "../ledger/job.ts";
import type { JobOutcome } from "../ledger/ledger.ts";

const noOutcomes: readonly JobOutcome[] = [];

/**
 * The outcomes of lines that a host refused, until the next responses show what the refusal meant: the host refuses
 * everything, and the lines wait with it, or it refuses these pages, and the lines have failed. At most as many for each host
 * as hold it, and those that were in flight.
 */
export class HeldRefusals {
  readonly #byHost = new Map<number, JobOutcome[]>();

  /** Takes an outcome if it must wait for that. Returns whether it does. */
  add(outcome: JobOutcome): boolean {
    const { state, lease, exchange } = outcome;
    const isRefusal = exchange?.status === 401 || exchange?.status === 403;
    if (!isRefusal || state.at !== "failed" || !isRepeatable(lease.job)) return false;
    const held = this.#byHost.get(lease.host);
    if (held === undefined) this.#byHost.set(lease.host, [outcome]);
    else held.push(outcome);
    return true;
  }

  /** Whether outcomes of a host are held. */
  has(host: number): boolean {
    return this.#byHost.has(host);
  }

  /** Removes and returns the outcomes of a host that are decided now. `isLast`: no further response will come. */
  settle(host: number, { standing, refusals }: HostState, isLast: boolean): readonly JobOutcome[] {
    const held = this.#byHost.get(host);
    if (held === undefined) return noOutcomes;
    if (standing.at !== "refusing" && refusals > 0 && !isLast) return noOutcomes;
    this.#byHost.delete(host);
    return standing.at === "refusing" ? held.map(keepWaiting) : held;
  }

  /** Removes and returns all outcomes. The run ends before they are decided, so their lines wait for the next one. */
  takeAll(): readonly JobOutcome[] {
    const held = [...this.#byHost.values()].flat();
    this.#byHost.clear();
    return held.map(keepWaiting);
  }
}

/** The line may be fetched as soon as its host gets requests again. */
function keepWaiting(outcome: JobOutcome): JobOutcome {
  const { state, lease, at } = outcome;
  const reason = "reason" in state ? state.reason : "";
  return { ...outcome, state: { at: "deferred", reason, until: at + 1, deferrals: lease.deferrals } };
}
