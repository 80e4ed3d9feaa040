import type { Outcome } from "./outcome.ts";

/** All that a decision may see of a call: its latest attempt, and how much time the call has taken. Times are `clock.now()` milliseconds. */
export interface Attempt<T = unknown> {
  /** 1-based: the first attempt included. */
  readonly number: number;
  readonly outcome: Outcome<T>;
  readonly startedAt: number;
  readonly endedAt: number;
  /** From the start of the first attempt to the end of this one. */
  readonly elapsed: number;
  /** The delay between the attempt before and this one; 0 for the first. */
  readonly waited: number;
  /** The sum of all delays so far. */
  readonly idleFor: number;
}
