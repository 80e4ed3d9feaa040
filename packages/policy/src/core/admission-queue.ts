import { onAbort } from "../support/on-abort.ts";

/** How full an admission queue is. */
export interface Occupancy {
  readonly running: number;
  readonly concurrency: number;
  readonly waiting: number;
  readonly queue: number;
}

/** Decides about the next call: waiting calls go first, and a full queue refuses calls. */
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

/** Lets a limited number of calls run at the same time. Others wait in a queue, first come, first served. */
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

  /** Starts a call for which `decideAdmission` returned "run". Call `leave` when it ends. */
  enter(): void {
    this.#running += 1;
  }

  /**
   * Waits in the queue until the call may run. Call `leave` when it ends.
   *
   * @throws the signal's reason, immediately when the signal is or becomes aborted. Then do not call `leave`.
   */
  async wait(signal: AbortSignal | undefined): Promise<void> {
    await this.#enqueue(signal);
    if (signal?.aborted !== true) return;
    // The call was admitted and aborted in the same turn of the event loop.
    this.leave();
    throw signal.reason;
  }

  #enqueue(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      const removeListener = onAbort(signal, (reason) => {
        this.#waiters.delete(waiter);
        reject(reason);
      });
      const waiter: Waiter = {
        enter: () => {
          removeListener();
          resolve();
        },
      };
      this.#waiters.add(waiter);
    });
  }

  /** Ends a call, and admits the call that has waited longest. */
  leave(): void {
    this.#running -= 1;
    this.#admitWaiting();
  }

  /** Changes how many calls may run at the same time. Calls that already run continue. */
  resize(concurrency: number): void {
    this.#concurrency = concurrency;
    this.#admitWaiting();
  }

  #admitWaiting(): void {
    for (const waiter of this.#waiters) {
      if (this.#running >= this.#concurrency) return;
      this.#waiters.delete(waiter);
      this.#running += 1;
      waiter.enter();
    }
  }
}
