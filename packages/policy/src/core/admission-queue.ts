import { onAbort } from "../support/on-abort.ts";

/** How full a gate is. */
export interface Occupancy {
  readonly running: number;
  readonly concurrency: number;
  readonly waiting: number;
  readonly queue: number;
}

/** What becomes of one more call: whoever waits goes first, and a full queue takes nobody. */
export function decideAdmission({
  running,
  concurrency,
  waiting,
  queue,
}: Occupancy): "run" | "wait" | "refuse" {
  if (running < concurrency && waiting === 0) return "run";
  return waiting < queue ? "wait" : "refuse";
}

interface Waiter {
  readonly enter: () => void;
}

/** Places for a number of calls at once, and a queue, first come first served, for a number of others. */
export class AdmissionQueue {
  readonly #queue: number;
  readonly #waiters = new Set<Waiter>();
  #concurrency: number;
  #running = 0;

  constructor(concurrency: number, queue: number) {
    this.#concurrency = concurrency;
    this.#queue = queue;
  }

  get occupancy(): Occupancy {
    return {
      running: this.#running,
      concurrency: this.#concurrency,
      waiting: this.#waiters.size,
      queue: this.#queue,
    };
  }

  /** Takes a place that `admission` has granted; it must be given back with `leave`. */
  enter(): void {
    this.#running += 1;
  }

  /**
   * Queues for a place, which is taken once this resolves and must be given back with `leave`.
   *
   * @throws the signal's reason, at once, when it is or becomes aborted; then no place is taken.
   */
  async wait(signal: AbortSignal | undefined): Promise<void> {
    await this.#place(signal);
    if (signal?.aborted !== true) return;
    // The place and the abort came in the same turn.
    this.leave();
    throw signal.reason;
  }

  #place(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      const forget = onAbort(signal, (reason) => {
        this.#waiters.delete(waiter);
        reject(reason);
      });
      const waiter: Waiter = {
        enter: () => {
          forget();
          resolve();
        },
      };
      this.#waiters.add(waiter);
    });
  }

  /** Gives a place back, to the one who has waited longest. */
  leave(): void {
    this.#running -= 1;
    this.#fill();
  }

  /** Changes how many may run at once; those who run beyond it stay. */
  resize(concurrency: number): void {
    this.#concurrency = concurrency;
    this.#fill();
  }

  #fill(): void {
    for (const waiter of this.#waiters) {
      if (this.#running >= this.#concurrency) return;
      this.#waiters.delete(waiter);
      this.#running += 1;
      waiter.enter();
    }
  }
}
