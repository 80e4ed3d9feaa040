import type { Clock } from "@holdfast/policy";

// What ends a sleep because something has changed.
const woken = new Error("Something has changed");

/** Those who wait until something changes, or until a time at the latest. */
export class Waiters {
  readonly #wakes = new Set<() => void>();

  /** Says that something has changed. */
  wake(): void {
    for (const wake of this.#wakes) wake();
  }

  /**
   * Resolves when something changes, and after `delay` milliseconds at the latest.
   *
   * @throws the signal's reason, at once, when it is or becomes aborted; what the clock's sleep throws.
   */
  async sleep(
    delay: number,
    { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal | undefined },
  ): Promise<void> {
    signal?.throwIfAborted();
    const ended = new AbortController();
    const wake = (): void => ended.abort(woken);
    const abort = (): void => ended.abort(signal?.reason);
    this.#wakes.add(wake);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      await clock.sleep(delay, ended.signal);
    } catch (error) {
      if (error !== woken) throw error;
    } finally {
      this.#wakes.delete(wake);
      signal?.removeEventListener("abort", abort);
    }
  }
}
