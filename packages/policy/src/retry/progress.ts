/** How far a call has come: all that the loop of a retry needs to continue. Plain JSON; durations are milliseconds. */
export interface RetryProgress {
  /** The number of attempts that have ended. */
  readonly number: number;
  /** The wait after the last attempt. */
  readonly waited: number;
  /** Sum of all waits, this one included. */
  readonly idleFor: number;
  /** Time from the start of the first attempt to the end of the wait. */
  readonly elapsed: number;
}

/** The progress of a new call. */
export const noProgress: RetryProgress = { number: 0, waited: 0, idleFor: 0, elapsed: 0 };
