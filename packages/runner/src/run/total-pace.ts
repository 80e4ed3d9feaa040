/** The limits of a user for the whole run. */
export interface TotalLimits {
  /** The shortest time between the starts of two requests, in ms. */
  readonly interval: number;
  /** Bytes of all bodies in a second. */
  readonly bytesPerSecond: number;
}

/**
 * When the next request of a run may start (GCRA without a burst). Bytes are counted when they have arrived: the requests after
 * them wait until the average is within the limit again. Times are epoch ms.
 */
export class TotalPace {
  readonly #limits: TotalLimits;
  #nextStartAt = -1;
  #bytesUntil = -1;

  constructor(limits: TotalLimits) {
    this.#limits = limits;
  }

  /** When the next request may start. */
  get nextStartAt(): number {
    return Math.max(this.#nextStartAt, this.#bytesUntil);
  }

  /** Must be called when a request starts. */
  started(now: number): void {
    if (this.#limits.interval > 0)
      this.#nextStartAt = Math.max(now, this.#nextStartAt) + this.#limits.interval;
  }

  /** Must be called when the bytes of a body have arrived. */
  received(bytes: number, now: number): void {
    const { bytesPerSecond } = this.#limits;
    if (bytesPerSecond < Infinity)
      this.#bytesUntil = Math.max(now, this.#bytesUntil) + (bytes / bytesPerSecond) * 1_000;
  }
}
