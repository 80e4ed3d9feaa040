import { checkOptions, type OptionTypes } from "../support/check-options.ts";
import { enterScope, type Context, type Scope } from "../core/context.ts";
import { BulkheadFullError, DeadlineExceededError } from "../core/errors.ts";
import { emitEvent, type Listener } from "../core/events.ts";
import { decideAdmission, AdmissionQueue } from "../core/admission-queue.ts";
import type { Classifier } from "../core/classifier.ts";
import { captureOutcome, unwrap } from "../core/outcome.ts";
import type { Explanation, Policy, Task } from "../core/policy.ts";
import { gradient2 } from "./gradient2.ts";
import type { ConcurrencyLimit } from "./concurrency-limit.ts";

/** The meaning of an outcome for the limit. `dropped` is a sign of overload. `ignored` changes nothing. */
export type LoadClassification = "success" | "dropped" | "ignored";

/** The options of `adaptiveConcurrency`. */
export interface AdaptiveConcurrencyOptions<in R = unknown> {
  /** The algorithm that adapts the limit. @default gradient2() */
  readonly limit?: ConcurrencyLimit;
  /** How many calls may wait in the queue. @default Infinity */
  readonly queue?: number;
  /** Classifies an outcome. @default a value is a success, a DeadlineExceededError is dropped, other errors are ignored */
  readonly classify?: Classifier<R, LoadClassification>;
  /** Receives every event. */
  readonly on?: Listener;
  /** Name of the policy in events and explanations. @default "adaptiveConcurrency" */
  readonly name?: string;
}

/** A limit on concurrency that adapts itself. Share one instance between all callers of the same service. */
export interface AdaptiveConcurrency<in R = unknown> extends Policy<R> {
  /** How many calls may run at the same time now. */
  readonly limit: number;
  /** How many calls run now. */
  readonly running: number;
}

const optionTypes = {
  limit: "object",
  queue: "number",
  classify: "function",
  on: "function",
  name: "string",
} satisfies OptionTypes<AdaptiveConcurrencyOptions>;

/** The defaults of `adaptiveConcurrency`. */
export const adaptiveConcurrencyDefaults: Required<Omit<AdaptiveConcurrencyOptions, "on">> = {
  limit: /* @__PURE__ */ gradient2(),
  queue: Infinity,
  classify: (outcome) => {
    if (outcome.ok) return "success";
    return outcome.error instanceof DeadlineExceededError ? "dropped" : "ignored";
  },
  name: "adaptiveConcurrency",
};

/**
 * Creates a limit on concurrency that learns from latency and dropped calls how much load the service can take. When the
 * limit is reached, calls wait, first come, first served. When the queue is full, they reject with a BulkheadFullError.
 *
 * Classify signs of overload as "dropped": a 429 or 503, a timeout, a connection reset. A 404 says nothing about load.
 */
export function adaptiveConcurrency<R = unknown>(
  options: AdaptiveConcurrencyOptions<R> = {},
): AdaptiveConcurrency<R> {
  return new LearningConcurrency(options);
}

class LearningConcurrency<R> implements AdaptiveConcurrency<R> {
  readonly #options: AdaptiveConcurrencyOptions<R>;
  readonly #classify: Classifier<R, LoadClassification>;
  readonly #name: string;
  readonly #queue: AdmissionQueue;
  #limit: ConcurrencyLimit;

  constructor(options: AdaptiveConcurrencyOptions<R>) {
    checkOptions("adaptiveConcurrency", options, optionTypes);
    const { limit, queue, classify, name } = { ...adaptiveConcurrencyDefaults, ...options };
    if (!(queue >= 0)) throw new RangeError(`adaptiveConcurrency needs a queue of 0 or more, got ${queue}`);
    this.#options = options;
    this.#classify = classify;
    this.#name = name;
    this.#limit = limit;
    this.#queue = new AdmissionQueue(Math.floor(limit.limit), queue);
  }

  get limit(): number {
    return this.#queue.occupancy.concurrency;
  }

  get running(): number {
    return this.#queue.occupancy.running;
  }

  async execute<T extends R>(task: Task<T>, context?: Context): Promise<T> {
    const scope = enterScope(context);
    const inFlight = await this.#enter(scope);
    try {
      return await this.#runAndLearn(task, scope, inFlight);
    } finally {
      this.#queue.leave();
    }
  }

  explain(): Explanation {
    return { policy: this.#name, limit: this.#limit.name, queue: this.#queue.occupancy.queue };
  }

  cloneForPlan(): Policy<R> {
    const { on: _on, ...rule } = this.#options;
    return adaptiveConcurrency(rule);
  }

  /** Waits until the call may run. Returns how many calls run then, this one included. */
  async #enter(scope: Scope): Promise<number> {
    const { occupancy } = this.#queue;
    const decision = decideAdmission(occupancy);
    if (decision === "refuse") throw this.#reject(scope);
    if (decision === "run") {
      this.#queue.enter();
      return occupancy.running + 1;
    }
    emitEvent(
      { type: "queued", policy: this.#name, waiting: occupancy.waiting + 1 },
      this.#options.on,
      scope.on,
    );
    await this.#queue.wait(scope.signal);
    return this.running;
  }

  #reject(scope: Scope): BulkheadFullError {
    const { concurrency, queue } = this.#queue.occupancy;
    const error = new BulkheadFullError(concurrency, queue);
    emitEvent({ type: "rejected", policy: this.#name, error }, this.#options.on, scope.on);
    return error;
  }

  async #runAndLearn<T extends R>(task: Task<T>, scope: Scope, inFlight: number): Promise<T> {
    const startedAt = scope.clock.now();
    const outcome = await captureOutcome(() => task(scope));
    const judgement = this.#classify(outcome, scope);
    if (judgement !== "ignored") {
      // The clock may not have moved, but a duration must be above 0.
      const duration = Math.max(scope.clock.now() - startedAt, 0.001);
      this.#learn(this.#limit.after({ duration, inFlight, dropped: judgement === "dropped" }), scope);
    }
    return unwrap(outcome);
  }

  #learn(limit: ConcurrencyLimit, scope: Scope): void {
    const before = this.limit;
    const after = Math.floor(limit.limit);
    this.#limit = limit;
    if (after === before) return;
    this.#queue.resize(after);
    emitEvent(
      { type: "limit-changed", policy: this.#name, limit: after, before },
      this.#options.on,
      scope.on,
    );
  }
}
