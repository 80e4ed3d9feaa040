import type { Clock } from "../clock/clock.ts";
import { closedState, type BreakerRule, type BreakerState } from "./state.ts";

/** The state of a circuit as plain data, to store and to restore in another process. Times are milliseconds since 1970. */
export type BreakerSnapshot =
  | { readonly state: "closed" }
  | {
      readonly state: "open" | "half-open";
      readonly retryAt: number;
      readonly openings: number;
      readonly breakDuration: number;
    }
  | { readonly state: "isolated" };

/** Converts a state to a snapshot. The counts of a closed circuit and running calls are left out. */
export function toSnapshot(state: BreakerState): BreakerSnapshot {
  if (state.at === "closed" || state.at === "isolated") return { state: state.at };
  const { openings, break: last } = state;
  return { state: state.at, retryAt: last.retryAt, openings, breakDuration: last.duration };
}

/**
 * Restores a state from a snapshot. A half-open circuit becomes open with an expired break, because its probes ran
 * in another process. An isolated circuit becomes a closed one, because the handles that could release it are gone.
 */
export function restoreState(rule: BreakerRule, snapshot: BreakerSnapshot, clock: Clock): BreakerState {
  if (snapshot.state === "closed" || snapshot.state === "isolated") return closedState(0, rule);
  const { retryAt, openings, breakDuration: duration } = snapshot;
  const left = snapshot.state === "open" ? Math.max(0, retryAt - clock.date()) : 0;
  // If the clock was wrong when the circuit opened, the break still ends after its duration.
  const until = clock.now() + Math.min(left, duration);
  return { at: "open", generation: 0, openings, break: { duration, until, retryAt } };
}

/**
 * Parses a snapshot.
 *
 * @throws TypeError if the data is not a snapshot.
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
  throw new TypeError(
    `state must be a snapshot that a breaker's toJSON() returned, got ${JSON.stringify(data)}`,
  );
}

function isRecord(data: unknown): data is Readonly<Record<string, unknown>> {
  return typeof data === "object" && data !== null;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < Infinity;
}
