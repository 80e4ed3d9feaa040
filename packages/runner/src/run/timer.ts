import type { Clock } from "@holdfast/policy";

/** Calls a function once, at the time that was set last. */
export class Timer {
  readonly #clock: Clock;
  readonly #onTime: () => void;
  #at: number | undefined;
  #cancel = new AbortController();

  constructor(clock: Clock, onTime: () => void) {
    this.#clock = clock;
    this.#onTime = onTime;
  }

  /** Sets the time (epoch ms); undefined stops the timer. */
  set(at: number | undefined): void {
    if (at === this.#at) return;
    this.#cancel.abort();
    this.#at = at;
    if (at !== undefined) void this.#sleep(at);
  }

  async #sleep(at: number): Promise<void> {
    const cancel = new AbortController();
    this.#cancel = cancel;
    try {
      await this.#clock.sleep(Math.max(0, at - this.#clock.date()), cancel.signal);
    } catch {
      return;
    }
    this.#at = undefined;
    this.#onTime();
  }
}
