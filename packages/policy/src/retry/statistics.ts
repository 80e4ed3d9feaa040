import type { Listener, PolicyEvent } from "../core/events.ts";

/** What the retries of one or many calls came to. Times are milliseconds. */
export interface RetryStatistics {
  /** How many attempts ended, the first ones included. */
  readonly attempts: number;
  /** How many of them threw. */
  readonly failures: number;
  /** How many further attempts were decided on. */
  readonly retries: number;
  /** How many calls were given up. */
  readonly giveUps: number;
  /** What was waited between attempts, in all. */
  readonly idleFor: number;
  /** What attempts and the waits before them took, in all. */
  readonly elapsed: number;
}

/** Statistics that keep counting: hand `on` to whatever reports events. */
export interface Statistics extends RetryStatistics {
  readonly on: Listener;
}

/** The statistics of nothing. */
const noStatistics: RetryStatistics = {
  attempts: 0,
  failures: 0,
  retries: 0,
  giveUps: 0,
  idleFor: 0,
  elapsed: 0,
};

/** The statistics after a further event. */
function countEvent(seen: RetryStatistics, event: PolicyEvent): RetryStatistics {
  if (event.type === "retry") return { ...seen, retries: seen.retries + 1 };
  if (event.type === "give-up") return { ...seen, giveUps: seen.giveUps + 1 };
  if (event.type !== "attempt") return seen;
  const { outcome, startedAt, endedAt, waited } = event.attempt;
  return {
    ...seen,
    attempts: seen.attempts + 1,
    failures: seen.failures + (outcome.ok ? 0 : 1),
    idleFor: seen.idleFor + waited,
    elapsed: seen.elapsed + waited + (endedAt - startedAt),
  };
}

/** Counts attempts, retries and time (tenacity's `statistics`), for one call or for all that it is given to. */
export function statistics(): Statistics {
  let seen = noStatistics;
  return {
    on: (event) => {
      seen = countEvent(seen, event);
    },
    get attempts() {
      return seen.attempts;
    },
    get failures() {
      return seen.failures;
    },
    get retries() {
      return seen.retries;
    },
    get giveUps() {
      return seen.giveUps;
    },
    get idleFor() {
      return seen.idleFor;
    },
    get elapsed() {
      return seen.elapsed;
    },
  };
}
