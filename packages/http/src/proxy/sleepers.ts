import { startTimer, type Clock } from "@holdfast/policy";

/** Those who wait until something changes, or until a time at the latest. */
export class Sleepers {
  readonly #clock: Clock;
  readonly #wakes = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Says that something has changed. */
  wake(): void {
    for (const wake of this.#wakes) wake();
  }

  /**
   * Resolves when something changes, and after `delay` milliseconds at the latest.
   *
   * @throws the signal's reason, at once, when it is or becomes aborted.
   */
  sleep(delay: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      const settle = (done: () => void): void => {
        stop();
        this.#wakes.delete(wake);
        signal?.removeEventListener("abort", abort);
        done();
      };
      const wake = (): void => settle(resolve);
      const abort = (): void => settle(() => reject(signal?.reason));
      const stop = startTimer(this.#clock, delay, wake);
      this.#wakes.add(wake);
      signal?.addEventListener("abort", abort, { once: true });
    });
  }
}
