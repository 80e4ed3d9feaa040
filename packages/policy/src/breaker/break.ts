import type { Scope } from "../core/context.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Wait } from "../retry/wait.ts";
import type { NextBreak } from "./state.ts";

/**
 * How long a circuit stays open after this outcome: a fixed time, or what a strategy says of an attempt whose number is
 * how often the circuit opened in a row and whose wait before is the break before.
 */
export function nextBreak(wait: Wait | number, outcome: Outcome<unknown>, scope: Scope): NextBreak {
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
