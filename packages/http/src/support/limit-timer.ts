import type { Clock } from "@holdfast/policy";
import { startTimer } from "@holdfast/policy/internal";

/** Milliseconds. A timer that is later means that the process was busy, or that the machine slept. */
export const maxTimerDelayMs: number = 200;

/** Whether a timer that was due at `dueAt` fires so late that results may wait to be read. */
function isTimerLate(clock: Clock, dueAt: number): boolean {
  return clock.now() - dueAt > maxTimerDelayMs;
}

/** Calls `run` after the event loop has read once what arrived. */
function afterNextPoll(run: () => void): void {
  // An immediate runs after a poll that may have begun before it was set: only the second has seen everything.
  setImmediate(() => setImmediate(run));
}

/** Resolves when a limit that was due at `dueAt` may take effect: after a look at what arrived if its timer was late. */
export function lookBeforeLimit(clock: Clock, dueAt: number): Promise<void> | undefined {
  return isTimerLate(clock, dueAt) ? new Promise(afterNextPoll) : undefined;
}

/** A limit of work that the network does. */
export interface Limit {
  readonly clock: Clock;
  /** Milliseconds. `Infinity` starts no timer. */
  readonly limit: number;
  /**
   * Returns a number that grows as the work progresses. If a late timer finds progress since the limit started, the limit
   * starts again: the time during which the process was busy is not the network's, and what arrived meanwhile may have been
   * handled before the timer. @default no progress
   */
  readonly progress?: (() => number) | undefined;
}

/**
 * Calls `expire` when the limit has passed. A timer that is late looks once at what arrived before. Returns a function that
 * stops the limit, which the end of the work has to call.
 */
export function startLimit({ clock, limit, progress = noProgress }: Limit, expire: () => void): () => void {
  let isStopped = false;
  let stopTimer: () => void;
  const start = (): void => {
    const dueAt = clock.now() + limit;
    const before = progress();
    stopTimer = startTimer(clock, limit, () => {
      if (!isTimerLate(clock, dueAt)) return expire();
      afterNextPoll(() => {
        if (isStopped) return;
        if (progress() > before) start();
        else expire();
      });
    });
  };
  start();
  return () => {
    isStopped = true;
    stopTimer();
  };
}

function noProgress(): number {
  return 0;
}
