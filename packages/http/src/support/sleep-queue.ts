import type { Clock } from "@holdfast/policy";
import { startTimer } from "@holdfast/policy/internal";

interface SleepEnd {
  /** Settles the promise of the sleep. A rejection is passed as a promise, so that one function is enough. */
  readonly settle: (end: void | Promise<never>) => void;
  readonly signal: AbortSignal | undefined;
}

/** One sleep. It is the listener of its own signal. */
class Sleep {
  /** When it ends, on the clock. */
  readonly until: number;
  readonly #queue: SleepQueue;
  readonly #settle: SleepEnd["settle"];
  readonly #signal: AbortSignal | undefined;
  /** Its place in the heap, which only the queue sets. */
  place = 0;

  constructor(queue: SleepQueue, until: number, { settle, signal }: SleepEnd) {
    this.#queue = queue;
    this.until = until;
    this.#settle = settle;
    this.#signal = signal;
    signal?.addEventListener("abort", this, { once: true });
  }

  /** Called when the signal is aborted. */
  handleEvent(): void {
    this.#queue.cancel(this, this.#signal?.reason);
  }

  end(failure?: Promise<never>): void {
    this.#signal?.removeEventListener("abort", this);
    this.#settle(failure);
  }
}

/**
 * Sleeps that share one timer. A call that waits for its next attempt holds a tenth of the memory of one with a timer and an
 * AbortController of its own.
 *
 * The sleeps are a binary heap: each ends no later than the two at twice its place.
 */
export class SleepQueue {
  readonly #clock: Clock;
  readonly #heap: Sleep[] = [];
  #closed: { readonly reason: unknown } | undefined;
  #stopTimer: (() => void) | undefined;
  /** When the timer fires; Infinity without one. */
  #timerAt = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Number of sleeps that have not ended. */
  get size(): number {
    return this.#heap.length;
  }

  /** As `Clock.sleep`. Also rejects with the reason of `close`. */
  sleep(delay: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    if (this.#closed !== undefined) return Promise.reject(this.#closed.reason);
    return new Promise((settle) => {
      const sleep = new Sleep(this, this.#clock.now() + delay, { settle, signal });
      this.#place(sleep, this.#heap.length);
      this.#rise(sleep);
      this.#setTimer();
    });
  }

  /** Ends every sleep, present and future, with this error. */
  close(reason: unknown): void {
    this.#closed = { reason };
    for (const sleep of this.#heap.splice(0)) sleep.end(Promise.reject(reason));
    this.#setTimer();
  }

  /** Ends one sleep with an error. */
  cancel(sleep: Sleep, reason: unknown): void {
    this.#remove(sleep);
    sleep.end(Promise.reject(reason));
    this.#setTimer();
  }

  readonly #wake = (): void => {
    this.#timerAt = Infinity;
    const now = this.#clock.now();
    for (let [first] = this.#heap; first !== undefined && first.until <= now; [first] = this.#heap) {
      this.#remove(first);
      first.end();
    }
    this.#setTimer();
  };

  /** Sets the timer for the first sleep, or stops it without one. A timer that is too early is left to fire. */
  #setTimer(): void {
    const until = this.#heap[0]?.until ?? Infinity;
    if (until >= this.#timerAt && until < Infinity) return;
    if (this.#timerAt < Infinity) this.#stopTimer?.();
    this.#timerAt = until;
    if (until < Infinity) this.#stopTimer = startTimer(this.#clock, until - this.#clock.now(), this.#wake);
  }

  #remove(sleep: Sleep): void {
    const last = this.#heap.pop();
    if (last === undefined || last === sleep) return;
    this.#place(last, sleep.place);
    this.#rise(last);
    this.#sink(last);
  }

  #rise(sleep: Sleep): void {
    while (sleep.place > 0) {
      const above = this.#heap[(sleep.place - 1) >> 1];
      if (above === undefined || above.until <= sleep.until) return;
      this.#swap(sleep, above);
    }
  }

  #sink(sleep: Sleep): void {
    for (;;) {
      const [left, right] = [this.#heap[2 * sleep.place + 1], this.#heap[2 * sleep.place + 2]];
      const first = right !== undefined && left !== undefined && right.until < left.until ? right : left;
      if (first === undefined || first.until >= sleep.until) return;
      this.#swap(sleep, first);
    }
  }

  #swap(one: Sleep, other: Sleep): void {
    const { place } = one;
    this.#place(one, other.place);
    this.#place(other, place);
  }

  #place(sleep: Sleep, place: number): void {
    this.#heap[place] = sleep;
    sleep.place = place;
  }
}
