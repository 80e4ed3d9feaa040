import type { Listener, PolicyEvent } from "../core/events.ts";

/** Statistics of the retries of one or many calls. Times are milliseconds. */
export interface RetryStatistics {
  /** Number of ended attempts, including first attempts. */
  readonly attempts: number;
  /** Number of attempts that threw. */
  readonly failures: number;
  /** Number of retries. */
  readonly retries: number;
  /** Number of calls that gave up. */
  readonly giveUps: number;
  /** Total time of the waits between attempts. */
  readonly idleFor: number;
  /** Total time of attempts and the waits before them. */
  readonly elapsed: number;
}

/** Statistics that count events. Pass `on` to policies or calls. */
export interface Statistics extends RetryStatistics {
  /** Counts an event. */
  readonly on: Listener;
}

const emptyStatistics: RetryStatistics = {
  attempts: 0,
  failures: 0,
  retries: 0,
  giveUps: 0,
  idleFor: 0,
  elapsed: 0,
};

/** Returns the statistics after one more event. */
function countEvent(counts: RetryStatistics, event: PolicyEvent): RetryStatistics {
  if (event.type === "retry") return { ...counts, retries: counts.retries + 1 };
  if (event.type === "give-up") return { ...counts, giveUps: counts.giveUps + 1 };
  if (event.type !== "attempt") return counts;
  const { outcome, startedAt, endedAt, waited } = event.attempt;
  return {
    ...counts,
    attempts: counts.attempts + 1,
    failures: counts.failures + (outcome.ok ? 0 : 1),
    idleFor: counts.idleFor + waited,
    elapsed: counts.elapsed + waited + (endedAt - startedAt),
  };
}

/** Creates statistics that count attempts, retries and time (tenacity's `statistics`). */
export function statistics(): Statistics {
  let counts = emptyStatistics;
  return {
    on: (event) => {
      counts = countEvent(counts, event);
    },
    get attempts() {
      return counts.attempts;
    },
    get failures() {
      return counts.failures;
    },
    get retries() {
      return counts.retries;
    },
    get giveUps() {
      return counts.giveUps;
    },
    get idleFor() {
      return counts.idleFor;
    },
    get elapsed() {
      return counts.elapsed;
    },
  };
}
