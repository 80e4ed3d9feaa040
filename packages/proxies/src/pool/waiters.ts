import { onAbort } from "@holdfast/http/internal";
import type { Clock } from "@holdfast/policy";

// The reason of a sleep that ends early.
const woken = new Error("The pool changed");

/** Requests that wait for the pool to change. */
export class Waiters {
  readonly #wakes = new Set<() => void>();

  /** Wakes all waiting requests. */
  wake(): void {
    for (const wake of this.#wakes) wake();
  }

  /**
   * Waits until `wake` is called, and for at most `delay` milliseconds.
   *
   * @throws the signal's reason, immediately when it is aborted; the errors of the clock's sleep.
   */
  async sleep(
    delay: number,
    { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal | undefined },
  ): Promise<void> {
    signal?.throwIfAborted();
    const ended = new AbortController();
    const wake = (): void => ended.abort(woken);
    this.#wakes.add(wake);
    const stopListening = onAbort([signal], (reason) => ended.abort(reason));
    try {
      await clock.sleep(delay, ended.signal);
    } catch (error) {
      if (error !== woken) throw error;
    } finally {
      this.#wakes.delete(wake);
      stopListening();
    }
  }
}
