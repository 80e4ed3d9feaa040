import type { Scope } from "../core/context.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Wait } from "../retry/wait.ts";

/** The time in which a circuit stays open. */
export interface Break {
  readonly duration: number;
  /** End of the break, in milliseconds of `clock.now()`. */
  readonly until: number;
  /** End of the break in milliseconds since 1970, for people and other processes. */
  readonly retryAt: number;
}

/** Creates the next break. `openings` is how often the circuit opened in a row, this time included. */
export type BreakFactory = (openings: number, last: Break | undefined) => Break;

/**
 * Returns a factory for the break after this outcome. The break is a fixed time, or the result of a wait strategy. The
 * strategy receives an attempt whose `number` is how often the circuit opened in a row, and whose `waited` is the
 * duration of the previous break.
 */
export function createBreakFactory(
  wait: Wait | number,
  outcome: Outcome<unknown>,
  scope: Scope,
): BreakFactory {
  const { clock, random } = scope;
  return (openings, last) => {
    const now = clock.now();
    const waited = last?.duration ?? 0;
    const opening = {
      number: openings,
      outcome,
      startedAt: now,
      endedAt: now,
      elapsed: 0,
      waited,
      idleFor: waited,
    };
    const duration = typeof wait === "number" ? wait : wait(opening, random);
    return { duration, until: now + duration, retryAt: clock.date() + duration };
  };
}
