/** A latch for one waiter. `notify` ends the current wait, or the next one when nothing waits. */
export class Latch {
  #isNotified = false;
  #resolve: (() => void) | undefined;

  readonly notify = (): void => {
    this.#isNotified = true;
    this.#resolve?.();
  };

  async wait(): Promise<void> {
    if (!this.#isNotified) {
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
      });
    }
    this.#resolve = undefined;
    this.#isNotified = false;
  }
}
