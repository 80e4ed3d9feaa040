import { sleepWithTimer, type Clock } from "./clock.ts";

/** A clock for tests. Its time moves when `advance` is called or, with `autoAdvance`, when all work waits. */
export interface FakeClock extends Clock {
  /** The delay of every sleep in milliseconds, in the order in which the sleeps started. */
  readonly sleeps: readonly number[];
  /** How many sleeps and timers are pending. */
  readonly sleeping: number;
  /** Moves the time forward and ends the sleeps and timers that are due, in order. */
  advance(ms: number): Promise<void>;
}

/** The options of `fakeClock`. */
export interface FakeClockOptions {
  /** First value of `now()` and `date()`, in milliseconds. @default 0 */
  readonly start?: number;
  /** Moves the time to the end of the next sleep when no other work is left, so that hours pass immediately. @default true */
  readonly autoAdvance?: boolean;
}

interface PendingTimer {
  readonly until: number;
  readonly wake: () => void;
}

/**
 * Creates a clock for tests. With `autoAdvance`, the time moves as soon as all microtasks have run. The clock cannot see
 * work that waits for real timers or sockets: in such a test, set `autoAdvance: false` and call `advance`.
 */
export function fakeClock({ start = 0, autoAdvance = true }: FakeClockOptions = {}): FakeClock {
  let now = start;
  let scheduled = false;
  const sleeps: number[] = [];
  const pending = new Set<PendingTimer>();

  const wakeNext = (limit: number): boolean => {
    const next = [...pending].reduce<PendingTimer | undefined>(
      (a, b) => (a !== undefined && a.until <= b.until ? a : b),
      undefined,
    );
    if (next === undefined || next.until > limit || next.until === Infinity) return false;
    now = Math.max(now, next.until);
    pending.delete(next);
    next.wake();
    return true;
  };
  const autoWake = (): void => {
    scheduled = false;
    if (wakeNext(Infinity) && pending.size > 0) schedule();
  };
  const schedule = (): void => {
    if (!autoAdvance || scheduled) return;
    scheduled = true;
    runAfterMicrotasks(autoWake);
  };

  const timer = (delay: number, wake: () => void): (() => void) => {
    const timerEntry: PendingTimer = { until: now + delay, wake };
    pending.add(timerEntry);
    schedule();
    return () => void pending.delete(timerEntry);
  };

  return {
    now: () => now,
    date: () => now,
    sleeps,
    get sleeping() {
      return pending.size;
    },
    sleep: (delay, signal) => {
      sleeps.push(delay);
      return sleepWithTimer(timer, delay, signal);
    },
    timer,
    advance: async (ms) => {
      const end = now + ms;
      await waitForMicrotasks();
      while (wakeNext(end)) await waitForMicrotasks();
      now = Math.max(now, end);
    },
  };
}

function waitForMicrotasks(): Promise<void> {
  return new Promise((resolve) => runAfterMicrotasks(resolve));
}

// A message arrives after all microtasks and without the delay of a timer, on every platform.
function runAfterMicrotasks(run: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener("message", () => {
    port1.close();
    run();
  });
  port1.start();
  port2.postMessage(undefined);
}
