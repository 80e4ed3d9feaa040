import { sleepWithTimer, type Clock } from "./clock.ts";

/** A clock for tests: time stands still until it is moved, or until everything sleeps. */
export interface FakeClock extends Clock {
  /** Every delay that was slept, in milliseconds, in the order in which the sleeps began. */
  readonly sleeps: readonly number[];
  /** How many sleeps and timers have not ended. */
  readonly sleeping: number;
  /** Moves time on, ending each sleep in its turn. */
  advance(ms: number): Promise<void>;
}

export interface FakeClockOptions {
  /** What `now()` and `date()` say at first, in milliseconds. @default 0 */
  readonly start?: number;
  /** Moves to the end of the next sleep whenever nothing else is going on, so that hours pass in no time. @default true */
  readonly autoAdvance?: boolean;
}

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

/**
 * Makes a clock for tests. With `autoAdvance` it moves by itself once every microtask has run: work that waits for
 * real timers or sockets is not seen, so move such a clock by hand.
 */
export function fakeClock({ start = 0, autoAdvance = true }: FakeClockOptions = {}): FakeClock {
  let now = start;
  let scheduled = false;
  const sleeps: number[] = [];
  const sleepers = new Set<Sleeper>();

  const wakeNext = (limit: number): boolean => {
    const next = [...sleepers].reduce<Sleeper | undefined>(
      (a, b) => (a !== undefined && a.until <= b.until ? a : b),
      undefined,
    );
    if (next === undefined || next.until > limit || next.until === Infinity) return false;
    now = Math.max(now, next.until);
    sleepers.delete(next);
    next.wake();
    return true;
  };
  const autoWake = (): void => {
    scheduled = false;
    if (wakeNext(Infinity) && sleepers.size > 0) schedule();
  };
  const schedule = (): void => {
    if (!autoAdvance || scheduled) return;
    scheduled = true;
    nextTurn(autoWake);
  };

  const timer = (delay: number, wake: () => void): (() => void) => {
    const sleeper: Sleeper = { until: now + delay, wake };
    sleepers.add(sleeper);
    schedule();
    return () => void sleepers.delete(sleeper);
  };

  return {
    now: () => now,
    date: () => now,
    sleeps,
    get sleeping() {
      return sleepers.size;
    },
    sleep: (delay, signal) => {
      sleeps.push(delay);
      return sleepWithTimer(timer, delay, signal);
    },
    timer,
    advance: async (ms) => {
      const end = now + ms;
      await turn();
      while (wakeNext(end)) await turn();
      now = Math.max(now, end);
    },
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => nextTurn(resolve));
}

// Runs after all microtasks, and unlike a timer at once, which a message does on every platform.
function nextTurn(run: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener("message", () => {
    port1.close();
    run();
  });
  port1.start();
  port2.postMessage(undefined);
}
