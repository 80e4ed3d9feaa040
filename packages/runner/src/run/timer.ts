import type { Clock } from "@holdfast/policy";

/** Rings once at the time it was last set to. */
export class Timer {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #at: number | undefined;
  #cancel = new AbortController();

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Sets the time (epoch ms); undefined = never. */
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
    this.#ring();
  }
}
