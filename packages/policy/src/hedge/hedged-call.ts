import { onAbort } from "../support/on-abort.ts";
import type { RetryBudget } from "../budget/retry-budget.ts";
import { startTimer } from "../clock/clock.ts";
import type { Scope } from "../core/context.ts";
import { emitEvent, type Listener, type PolicyEvent } from "../core/events.ts";
import { LazySignal, scopeWithSignal } from "../core/lazy-signal.ts";
import { captureOutcome, type Outcome } from "../core/outcome.ts";
import type { Task } from "../core/policy.ts";

/** The settings that decide how many tries a call may start. */
export interface HedgeRule {
  readonly maxHedges: number;
  readonly budget: RetryBudget;
  readonly name: string;
  readonly on: Listener | undefined;
}

interface Try {
  readonly number: number;
  readonly startedAt: number;
  readonly signal: LazySignal;
}

/** One hedged call: its running tries, and the promise that the first success resolves. */
export class HedgedCall<T> {
  readonly #rule: HedgeRule;
  readonly #task: Task<T>;
  readonly #scope: Scope;
  readonly #running = new Set<Try>();
  readonly #result: PromiseWithResolvers<T> = Promise.withResolvers<T>();
  #ended = false;
  #started = 0;
  #firstFailure: { readonly error: unknown } | undefined;
  #stopTimer = (): void => undefined;

  constructor(rule: HedgeRule, task: Task<T>, scope: Scope) {
    this.#rule = rule;
    this.#task = task;
    this.#scope = scope;
  }

  /** Runs the call. Passes `learn` the time from the start of the first try to the first success. */
  async run(delay: number, learn: (duration: number) => void): Promise<T> {
    const removeListener = onAbort(this.#scope.signal, (reason) => this.#fail(reason));
    const first = this.#startTry();
    this.#startTimer(delay);
    try {
      const value = await this.#result.promise;
      // If another try won, the first one would have taken even longer. So this never underestimates a slow first try.
      learn(this.#scope.clock.now() - first.startedAt);
      return value;
    } finally {
      removeListener();
    }
  }

  #startTry(): Try {
    this.#started += 1;
    const current: Try = {
      number: this.#started,
      startedAt: this.#scope.clock.now(),
      signal: new LazySignal(),
    };
    const scope = scopeWithSignal(this.#scope, current.signal);
    this.#running.add(current);
    void captureOutcome(() => this.#task(scope)).then((outcome) => this.#onTryEnd(current, outcome));
    return current;
  }

  #startTimer(delay: number): void {
    if (this.#ended || this.#started > this.#rule.maxHedges) return;
    this.#stopTimer = startTimer(this.#scope.clock, delay, () => this.#failOnThrow(() => this.#hedge(delay)));
  }

  #hedge(delay: number): void {
    if (!this.#rule.budget.withdraw()) return;
    this.#emit({ type: "hedged", policy: this.#rule.name, number: this.#started + 1 });
    this.#startTry();
    this.#startTimer(delay);
  }

  #onTryEnd(current: Try, outcome: Outcome<T>): void {
    this.#running.delete(current);
    if (this.#ended) return;
    if (outcome.ok) return this.#succeed(outcome.value);
    this.#firstFailure ??= { error: outcome.error };
    this.#failOnThrow(() => {
      if (this.#started > 1) {
        this.#emit({
          type: "try-failed",
          policy: this.#rule.name,
          number: current.number,
          error: outcome.error,
        });
      }
      if (this.#running.size === 0) this.#fail(this.#firstFailure?.error);
    });
  }

  #succeed(value: T): void {
    this.#result.resolve(value);
    // Building the error costs more than a fast call, so it is built only if a try lost.
    this.#stop(
      this.#running.size === 0 ? undefined : new DOMException("Another try was faster", "AbortError"),
    );
  }

  #fail(reason: unknown): void {
    this.#result.reject(reason);
    this.#stop(reason);
  }

  #stop(reason: unknown): void {
    this.#ended = true;
    this.#stopTimer();
    for (const { signal } of this.#running) signal.abort(reason);
  }

  /** Runs `act`. An error that a listener throws there ends the call. */
  #failOnThrow(act: () => void): void {
    try {
      act();
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #emit(event: PolicyEvent): void {
    emitEvent(event, this.#rule.on, this.#scope.on);
  }
}
