import type { HostInput } from "../host/host-input.ts";
import { type HostState, isOpen } from "../host/host-state.ts";
import { isRepeatable } from "../ledger/job.ts";
import type { JobOutcome } from "../ledger/ledger.ts";
import type { OutcomeState } from "../ledger/state.ts";

/** A host before and after the last attempt of a request, and what that attempt said about it. */
export interface HostChange {
  readonly before: HostState;
  readonly after: HostState;
  readonly input: HostInput;
}

/**
 * Returns the outcome of a line in view of its host. A failure that is the host's is not the line's: the line waits and has
 * used up no attempt. When the host is given up, its lines end with that as their reason.
 */
export function judgeByHost(outcome: JobOutcome, change: HostChange): JobOutcome {
  const state = stateByHost(outcome, change);
  if (state === undefined) return outcome;
  // Without a response, the line continues as before this request: a host that is down uses up no attempt.
  const { type } = change.input;
  const { continuation } = type === "silent" || type === "unknown-name" ? outcome.lease : outcome;
  return { ...outcome, state, continuation };
}

function stateByHost({ lease, state }: JobOutcome, change: HostChange): OutcomeState | undefined {
  if (!isHostsFault(state, change)) return undefined;
  const { standing } = change.after;
  if (standing.at === "gone") return { at: "failed", reason: standing.reason, retryable: true };
  const { type } = change.input;
  const mayWait = type === "silent" || type === "unknown-name" || isRepeatable(lease.job);
  // The line may be fetched as soon as its host gets requests again.
  return mayWait ? { ...waiting(state, change), deferrals: lease.deferrals } : undefined;
}

function waiting(
  state: OutcomeState,
  { input }: HostChange,
): Omit<Extract<OutcomeState, { readonly at: "deferred" }>, "deferrals"> {
  return { at: "deferred", reason: "reason" in state ? state.reason : "", until: input.now + 1 };
}

/** Returns whether the host is to blame for the state of the line. */
function isHostsFault(state: OutcomeState, change: HostChange): boolean {
  const { standing } = change.after;
  const isUnfinished = state.at === "deferred" || (state.at === "failed" && state.retryable);
  switch (change.input.type) {
    case "silent":
    case "unknown-name":
      return isUnfinished && (isOpen(standing) || standing.at === "gone");
    case "throttled":
    case "paced":
      return isUnfinished && standing.at === "parked" && !isOwnFailure(change);
    case "refused":
      return state.at === "failed" && standing.at === "refusing";
    case "started":
    case "served":
    case "responded":
    case "failed":
    case "nothing":
      return false;
  }
}

/** A 503 for one line, while the host served others since its last pause, counts against the line. */
function isOwnFailure({ before, input }: HostChange): boolean {
  if (input.type !== "throttled" || !input.isServerFailure) return false;
  return before.backOff !== undefined && (before.servedAt ?? -1) > before.backOff.at;
}
