import type { Clock } from "../clock/clock.ts";
import { closedState, type BreakerRule, type BreakerState } from "./state.ts";

/** A circuit as plain data, to be stored and restored in another process. Times are milliseconds since 1970. */
export type BreakerSnapshot =
  | { readonly state: "closed" }
  | {
      readonly state: "open" | "half-open";
      readonly retryAt: number;
      readonly openings: number;
      readonly breakDuration: number;
    }
  | { readonly state: "isolated" };

/** Gives what is worth keeping of a circuit: counts of a closed one are not, and calls in flight belong to the process. */
export function toSnapshot(state: BreakerState): BreakerSnapshot {
  if (state.at === "closed" || state.at === "isolated") return { state: state.at };
  const { openings, break: last } = state;
  return { state: state.at, retryAt: last.retryAt, openings, breakDuration: last.duration };
}

/**
 * Gives the circuit that a snapshot tells of. A half-open one is open with its time over: its probes are not ours. An
 * isolated one is closed: whoever isolated it is not there to release it.
 */
export function restoreState(rule: BreakerRule, snapshot: BreakerSnapshot, clock: Clock): BreakerState {
  if (snapshot.state === "closed" || snapshot.state === "isolated") return closedState(0, rule);
  const { retryAt, openings, breakDuration: duration } = snapshot;
  const left = snapshot.state === "open" ? Math.max(0, retryAt - clock.date()) : 0;
  // A clock that was wrong when the circuit opened must not keep it open for longer than it was meant to be.
  const until = clock.now() + Math.min(left, duration);
  return { at: "open", generation: 0, openings, break: { duration, until, retryAt } };
}

/**
 * Checks that data from outside is a snapshot.
 *
 * @throws TypeError when it is not.
 */
export function parseSnapshot(data: unknown): BreakerSnapshot {
  if (isRecord(data)) {
    const { state, retryAt, openings, breakDuration } = data;
    if (state === "closed" || state === "isolated") return { state };
    if (
      (state === "open" || state === "half-open") &&
      isCount(retryAt) &&
      isCount(openings) &&
      isCount(breakDuration)
    ) {
      return { state, retryAt, openings, breakDuration };
    }
  }
  throw new TypeError(`Not the state of a circuit breaker: ${JSON.stringify(data)}`);
}

function isRecord(data: unknown): data is Readonly<Record<string, unknown>> {
  return typeof data === "object" && data !== null;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < Infinity;
}
