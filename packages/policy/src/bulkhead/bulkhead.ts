import { checkOptions, type OptionTypes } from "../support/check-options.ts";
import { enterScope, type Context, type Scope } from "../core/context.ts";
import { BulkheadFullError } from "../core/errors.ts";
import { emitEvent, type Listener } from "../core/events.ts";
import { decideAdmission, AdmissionQueue } from "../core/admission-queue.ts";
import type { Explanation, Policy, Task } from "../core/policy.ts";

/** The options of `bulkhead`. */
export interface BulkheadOptions {
  /** How many calls may run at the same time. @default 10 */
  readonly concurrency?: number;
  /** How many more calls may wait in the queue, first come, first served. 0 rejects them. @default Infinity */
  readonly queue?: number;
  /** Receives every event. */
  readonly on?: Listener;
  /** Name of the policy in events and explanations. @default "bulkhead" */
  readonly name?: string;
}

/** A limit on concurrency. Share one instance between all callers of the same service. */
export interface Bulkhead extends Policy {
  /** How many calls run now. */
  readonly running: number;
  /** How many calls wait in the queue now. */
  readonly waiting: number;
}

const optionTypes = {
  concurrency: "number",
  queue: "number",
  on: "function",
  name: "string",
} satisfies OptionTypes<BulkheadOptions>;

/** The defaults of `bulkhead`. */
export const bulkheadDefaults: Required<Omit<BulkheadOptions, "on">> = {
  concurrency: 10,
  queue: Infinity,
  name: "bulkhead",
};

/**
 * Creates a bulkhead: it runs at most `concurrency` calls at the same time and lets at most `queue` calls wait, so that
 * one slow service cannot use up all resources (M. Nygard, Release It!). When a limited queue is full, a call rejects with a
 * BulkheadFullError. A waiting call leaves the queue when its signal aborts.
 *
 * @throws RangeError for `concurrency` below 1 or a negative `queue`.
 */
export function bulkhead(options: BulkheadOptions = {}): Bulkhead {
  return new QueueingBulkhead(options);
}

class QueueingBulkhead implements Bulkhead {
  readonly #queue: AdmissionQueue;
  readonly #name: string;
  readonly #on: Listener | undefined;

  constructor(options: BulkheadOptions) {
    checkOptions("bulkhead", options, optionTypes);
    const { concurrency, queue, name } = { ...bulkheadDefaults, ...options };
    if (!(concurrency >= 1 && queue >= 0)) {
      throw new RangeError(`bulkhead needs concurrency >= 1 and queue >= 0, got ${concurrency} and ${queue}`);
    }
    this.#queue = new AdmissionQueue(concurrency, queue);
    this.#name = name;
    this.#on = options.on;
  }

  get running(): number {
    return this.#queue.occupancy.running;
  }

  get waiting(): number {
    return this.#queue.occupancy.waiting;
  }

  async execute<T>(task: Task<T>, context?: Context): Promise<T> {
    const scope = enterScope(context);
    await this.#enter(scope);
    try {
      return await task(scope);
    } finally {
      this.#queue.leave();
    }
  }

  explain(): Explanation {
    const { concurrency, queue } = this.#queue.occupancy;
    return { policy: this.#name, concurrency, queue: queue === Infinity ? "unlimited" : queue };
  }

  cloneForPlan(): Policy {
    const { concurrency, queue } = this.#queue.occupancy;
    return bulkhead({ concurrency, queue, name: this.#name });
  }

  async #enter(scope: Scope): Promise<void> {
    const { occupancy } = this.#queue;
    const policy = this.#name;
    switch (decideAdmission(occupancy)) {
      case "run":
        return this.#queue.enter();
      case "wait":
        emitEvent({ type: "queued", policy, waiting: occupancy.waiting + 1 }, this.#on, scope.on);
        return this.#queue.wait(scope.signal);
      case "refuse": {
        const error = new BulkheadFullError(occupancy.concurrency, occupancy.queue);
        emitEvent({ type: "rejected", policy, error }, this.#on, scope.on);
        throw error;
      }
    }
  }
}
