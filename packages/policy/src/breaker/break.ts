import type { Scope } from "../core/context.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Wait } from "../retry/wait.ts";

/** How long an open circuit stays so. */
export interface Break {
  readonly duration: number;
  /** The end of it on `clock.now()`. */
  readonly until: number;
  /** The end of it in milliseconds since 1970, for people and other processes. */
  readonly retryAt: number;
}

/** Says how long the circuit stays open when it opens for the `openings`th time in a row. */
export type BreakFactory = (openings: number, last: Break | undefined) => Break;

/**
 * How long a circuit stays open after this outcome: a fixed time, or what a strategy says of an attempt whose number is
 * how often the circuit opened in a row and whose wait before is the break before.
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
