import type { Outcome } from "./outcome.ts";

/**
 * Describes one attempt of a call, with the time that the call has taken so far. Wait strategies, stop strategies and
 * conditions receive it. Times are milliseconds of `clock.now()`.
 */
export interface Attempt<T = unknown> {
  /** 1 for the first attempt. */
  readonly number: number;
  /** The value that the task returned, or the error that it threw. */
  readonly outcome: Outcome<T>;
  readonly startedAt: number;
  readonly endedAt: number;
  /** Time from the start of the first attempt to the end of this one. */
  readonly elapsed: number;
  /** Wait between the previous attempt and this one; 0 for the first. */
  readonly waited: number;
  /** Sum of all waits so far. */
  readonly idleFor: number;
}
