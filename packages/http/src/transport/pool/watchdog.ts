import type { Clock } from "@holdfast/policy";
import { maxTimerDelayMs } from "../../support/limit-timer.ts";

/** An object with limits, which the watchdog checks while it is watched. */
export interface Watched {
  /** Called about every ten milliseconds. `now` is the time on the clock. */
  checkLimits(now: number): void;
  /** Neighbours in the watchdog's list, which only the watchdog sets. */
  next: Watched | undefined;
  previous: Watched | undefined;
}

// Maximum delay of a limit. A tick over a hundred thousand watched exchanges takes less than a millisecond.
const tickMs = 10;

/**
 * Checks the limits of all watched objects with one timer. Watching costs a few pointer writes, while a timer for each
 * request would cost a microsecond or more.
 */
export class Watchdog {
  readonly #clock: Clock;
  #first: Watched | undefined;
  #ticking = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  watch(watched: Watched): void {
    watched.next = this.#first;
    if (this.#first !== undefined) this.#first.previous = watched;
    this.#first = watched;
    if (!this.#ticking) void this.#tick();
  }

  /** Stops watching an object. It may be called twice, or for an object that was never watched. */
  unwatch(watched: Watched): void {
    const { next, previous } = watched;
    if (previous !== undefined) previous.next = next;
    else if (this.#first === watched) this.#first = next;
    if (next !== undefined) next.previous = previous;
    watched.next = undefined;
    watched.previous = undefined;
  }

  async #tick(): Promise<void> {
    this.#ticking = true;
    let isDelayed = false;
    while (this.#first !== undefined) {
      const before = this.#clock.now();
      await this.#clock.sleep(tickMs);
      const now = this.#clock.now();
      // After a delay, responses may wait to be read. Skip one check so that they are read before the limits apply.
      isDelayed = !isDelayed && now - before > maxTimerDelayMs;
      if (!isDelayed) this.#checkAll(now);
    }
    this.#ticking = false;
  }

  #checkAll(now: number): void {
    for (let watched = this.#first; watched !== undefined;) {
      const { next }: Watched = watched;
      watched.checkLimits(now);
      watched = next;
    }
  }
}
