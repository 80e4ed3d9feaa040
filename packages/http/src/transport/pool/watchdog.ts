import type { Clock } from "@holdfast/policy";

/** Something with limits: looked at a few times per limit for as long as it is watched. */
export interface Watched {
  /** Called about every ten milliseconds with the time on the clock. */
  checkLimits(now: number): void;
  /** The watchdog's own: neighbours in its list. */
  next: Watched | undefined;
  previous: Watched | undefined;
}

// A limit fires at most this late; a hundred thousand watched exchanges cost under a millisecond a tick.
const tickMs = 10;

// A tick that is later than this says that the process was busy elsewhere, or asleep with its machine.
const delayedTickMs = 200;

/**
 * Looks at everything that has a limit, with one timer for all of them: entering and leaving cost a few pointers, where
 * a timer of its own costs a request a microsecond and more.
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

  /** Safe to call twice, and for what was never watched. */
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
    let blind = false;
    while (this.#first !== undefined) {
      const before = this.#clock.now();
      await this.#clock.sleep(tickMs);
      const now = this.#clock.now();
      // A process that was held up has answers waiting to be read: they come before the limits, once.
      blind = !blind && now - before > delayedTickMs;
      if (!blind) this.#lookAtAll(now);
    }
    this.#ticking = false;
  }

  #lookAtAll(now: number): void {
    for (let watched = this.#first; watched !== undefined;) {
      const { next }: Watched = watched;
      watched.checkLimits(now);
      watched = next;
    }
  }
}
