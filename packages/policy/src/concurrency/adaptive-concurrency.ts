import { enterScope, type Context, type Scope } from "../core/context.ts";
import { BulkheadFullError, DeadlineExceededError } from "../core/errors.ts";
import { emitEvent, type Listener } from "../core/events.ts";
import { decideAdmission, AdmissionQueue } from "../core/admission-queue.ts";
import type { Classifier } from "../core/classifier.ts";
import { captureOutcome, unwrap } from "../core/outcome.ts";
import type { Explanation, Policy, Task } from "../core/policy.ts";
import { gradient2 } from "./gradient2.ts";
import type { ConcurrencyLimit } from "./concurrency-limit.ts";

/** What a result says about load; `ignored` says nothing, and its duration is not learned. */
export type LoadClassification = "success" | "dropped" | "ignored";

export interface AdaptiveConcurrencyOptions<in R = unknown> {
  /** How the limit learns. @default gradient2() */
  readonly limit?: ConcurrencyLimit;
  /** How many calls may wait for a place. @default Infinity */
  readonly queue?: number;
  /** What a result says about load. @default a value is a success, a DeadlineExceededError dropped, other errors ignored */
  readonly classify?: Classifier<R, LoadClassification>;
  /** Hears every event. */
  readonly on?: Listener;
  /** Names the policy in events and explanations. @default "adaptiveConcurrency" */
  readonly name?: string;
}

/** A limit on concurrency that finds itself: share one between all callers of the same thing. */
export interface AdaptiveConcurrency<in R = unknown> extends Policy<R> {
  /** How many calls may run at once now. */
  readonly limit: number;
  /** How many run. */
  readonly running: number;
}

/** What `adaptiveConcurrency()` does when it is told nothing. */
export const adaptiveConcurrencyDefaults: Required<Omit<AdaptiveConcurrencyOptions, "on">> = {
  limit: gradient2(),
  queue: Infinity,
  classify: (outcome) => {
    if (outcome.ok) return "success";
    return outcome.error instanceof DeadlineExceededError ? "dropped" : "ignored";
  },
  name: "adaptiveConcurrency",
};

/**
 * Makes a limit on concurrency that learns from latency and drops how much the other end can bear. A call that finds the
 * limit reached waits, first come first served, and rejects with a BulkheadFullError when the queue is full too.
 *
 * Say with `classify` what a drop is: 429, 503, a connection that times out or is reset; never a 404, which tells
 * nothing about load.
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
  readonly #gate: AdmissionQueue;
  #limit: ConcurrencyLimit;

  constructor(options: AdaptiveConcurrencyOptions<R>) {
    const { limit, queue, classify, name } = { ...adaptiveConcurrencyDefaults, ...options };
    if (!(queue >= 0)) throw new RangeError(`adaptiveConcurrency needs a queue of 0 or more, got ${queue}`);
    this.#options = options;
    this.#classify = classify;
    this.#name = name;
    this.#limit = limit;
    this.#gate = new AdmissionQueue(Math.floor(limit.limit), queue);
  }

  get limit(): number {
    return this.#gate.occupancy.concurrency;
  }

  get running(): number {
    return this.#gate.occupancy.running;
  }

  async execute<T extends R>(task: Task<T>, context?: Context): Promise<T> {
    const scope = enterScope(context);
    const inFlight = await this.#enter(scope);
    try {
      return await this.#sampled(task, scope, inFlight);
    } finally {
      this.#gate.leave();
    }
  }

  explain(): Explanation {
    return { policy: this.#name, limit: this.#limit.name, queue: this.#gate.occupancy.queue };
  }

  cloneForPlan(): Policy<R> {
    const { on: _on, ...rule } = this.#options;
    return adaptiveConcurrency(rule);
  }

  /** Takes a place and gives how many calls run then, this one included. */
  async #enter(scope: Scope): Promise<number> {
    const { occupancy: crowd } = this.#gate;
    const decision = decideAdmission(crowd);
    if (decision === "refuse") throw this.#refusal(scope);
    if (decision === "run") {
      this.#gate.enter();
      return crowd.running + 1;
    }
    emitEvent({ type: "queued", policy: this.#name, waiting: crowd.waiting + 1 }, this.#options.on, scope.on);
    await this.#gate.wait(scope.signal);
    return this.running;
  }

  #refusal(scope: Scope): BulkheadFullError {
    const { concurrency, queue } = this.#gate.occupancy;
    const error = new BulkheadFullError(concurrency, queue);
    emitEvent({ type: "rejected", policy: this.#name, error }, this.#options.on, scope.on);
    return error;
  }

  async #sampled<T extends R>(task: Task<T>, scope: Scope, inFlight: number): Promise<T> {
    const startedAt = scope.clock.now();
    const outcome = await captureOutcome(() => task(scope));
    const judgement = this.#classify(outcome, scope);
    if (judgement !== "ignored") {
      // A clock may not have moved; no call takes no time.
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
    this.#gate.resize(after);
    emitEvent(
      { type: "limit-changed", policy: this.#name, limit: after, before },
      this.#options.on,
      scope.on,
    );
  }
}
