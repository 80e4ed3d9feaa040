/** A latch for one waiter: `notify` ends the present wait, or the next one if nobody waits. */
export class Latch {
  #notified = false;
  #resolve: (() => void) | undefined;

  readonly notify = (): void => {
    this.#notified = true;
    this.#resolve?.();
  };

  async wait(): Promise<void> {
    if (!this.#notified) {
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
      });
    }
    this.#resolve = undefined;
    this.#notified = false;
  }
}
