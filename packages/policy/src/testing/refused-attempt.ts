import { failed } from "../core/outcome.ts";
import type { Attempt } from "../core/attempt.ts";

/** Creates a failed attempt. `elapsed` is the time since the first attempt started, `waited` the last wait, in milliseconds. */
export function refusedAttempt(
  number: number,
  { elapsed = 0, waited = 0 }: { readonly elapsed?: number; readonly waited?: number } = {},
): Attempt {
  const outcome = failed(new Error("refused"));
  return { number, outcome, startedAt: 0, endedAt: elapsed, elapsed, waited, idleFor: waited };
}
