import { enterScope, type Context, type Scope } from "../core/context.ts";
import { BulkheadFullError } from "../core/errors.ts";
import { emitEvent, type Listener } from "../core/events.ts";
import { decideAdmission, AdmissionQueue } from "../core/admission-queue.ts";
import type { Explanation, Policy, Task } from "../core/policy.ts";

export interface BulkheadOptions {
  /** How many calls may run at once. @default 10 */
  readonly concurrency?: number;
  /** How many more may wait for one of them to end, first come first served. @default 0 */
  readonly queue?: number;
  /** Hears every event. */
  readonly on?: Listener;
  /** Names the policy in events and explanations. @default "bulkhead" */
  readonly name?: string;
}

/** A limit on concurrency: share one between all callers of the same thing. */
export interface Bulkhead extends Policy {
  /** How many calls run. */
  readonly running: number;
  /** How many wait. */
  readonly waiting: number;
}

/** What `bulkhead()` does when it is told nothing. */
export const bulkheadDefaults = { concurrency: 10, queue: 0, name: "bulkhead" } as const;

/**
 * Makes a bulkhead: at most `concurrency` calls at once, at most `queue` that wait, so that one slow thing cannot take
 * all there is (M. Nygard, Release It!). A call for which there is no place rejects with a BulkheadFullError; one that
 * waits leaves the queue when its signal aborts.
 *
 * @throws RangeError for less than one place, or a negative queue.
 */
export function bulkhead(options: BulkheadOptions = {}): Bulkhead {
  return new QueueingBulkhead(options);
}

class QueueingBulkhead implements Bulkhead {
  readonly #gate: AdmissionQueue;
  readonly #name: string;
  readonly #on: Listener | undefined;

  constructor(options: BulkheadOptions) {
    const { concurrency, queue, name } = { ...bulkheadDefaults, ...options };
    if (!(concurrency >= 1 && queue >= 0)) {
      throw new RangeError(`bulkhead needs concurrency >= 1 and queue >= 0, got ${concurrency} and ${queue}`);
    }
    this.#gate = new AdmissionQueue(concurrency, queue);
    this.#name = name;
    this.#on = options.on;
  }

  get running(): number {
    return this.#gate.occupancy.running;
  }

  get waiting(): number {
    return this.#gate.occupancy.waiting;
  }

  async execute<T>(task: Task<T>, context?: Context): Promise<T> {
    const scope = enterScope(context);
    await this.#enter(scope);
    try {
      return await task(scope);
    } finally {
      this.#gate.leave();
    }
  }

  explain(): Explanation {
    const { concurrency, queue } = this.#gate.occupancy;
    return { policy: this.#name, concurrency, queue };
  }

  cloneForPlan(): Policy {
    const { concurrency, queue } = this.#gate.occupancy;
    return bulkhead({ concurrency, queue, name: this.#name });
  }

  async #enter(scope: Scope): Promise<void> {
    const { occupancy: crowd } = this.#gate;
    const policy = this.#name;
    switch (decideAdmission(crowd)) {
      case "run":
        return this.#gate.enter();
      case "wait":
        emitEvent({ type: "queued", policy, waiting: crowd.waiting + 1 }, this.#on, scope.on);
        return this.#gate.wait(scope.signal);
      case "refuse": {
        const error = new BulkheadFullError(crowd.concurrency, crowd.queue);
        emitEvent({ type: "rejected", policy, error }, this.#on, scope.on);
        throw error;
      }
    }
  }
}
