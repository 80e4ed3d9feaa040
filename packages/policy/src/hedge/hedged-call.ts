import { onAbort } from "../support/on-abort.ts";
import type { RetryBudget } from "../budget/retry-budget.ts";
import { startTimer } from "../clock/clock.ts";
import type { Scope } from "../core/context.ts";
import { emitEvent, type Listener, type PolicyEvent } from "../core/events.ts";
import { LazySignal, scopeWithSignal } from "../core/lazy-signal.ts";
import { captureOutcome, type Outcome } from "../core/outcome.ts";
import type { Task } from "../core/policy.ts";

/** What decides how many tries of a call there are. */
export interface HedgeRule {
  readonly maxHedges: number;
  readonly budget: RetryBudget;
  readonly name: string;
  readonly on: Listener | undefined;
}

interface Try {
  readonly number: number;
  readonly startedAt: number;
  readonly own: LazySignal;
}

/** One hedged call: the tries that run, and the promise they run for. */
export class HedgedCall<T> {
  readonly #rule: HedgeRule;
  readonly #task: Task<T>;
  readonly #scope: Scope;
  readonly #running = new Set<Try>();
  readonly #end: PromiseWithResolvers<T> = Promise.withResolvers<T>();
  #over = false;
  #begun = 0;
  #firstFailure: { readonly error: unknown } | undefined;
  #stopTimer = (): void => undefined;

  constructor(rule: HedgeRule, task: Task<T>, scope: Scope) {
    this.#rule = rule;
    this.#task = task;
    this.#scope = scope;
  }

  /** Runs the call; `learn` is told how long its first try took, or had taken when it lost. */
  async run(delay: number, learn: (duration: number) => void): Promise<T> {
    const forget = onAbort(this.#scope.signal, (reason) => this.#fail(reason));
    const first = this.#begin();
    this.#arm(delay);
    try {
      const value = await this.#end.promise;
      // A first try that lost would have taken longer still: never less than this is learned from a slow one.
      learn(this.#scope.clock.now() - first.startedAt);
      return value;
    } finally {
      forget();
    }
  }

  #begin(): Try {
    this.#begun += 1;
    const one: Try = { number: this.#begun, startedAt: this.#scope.clock.now(), own: new LazySignal() };
    const scope = scopeWithSignal(this.#scope, one.own);
    this.#running.add(one);
    void captureOutcome(() => this.#task(scope)).then((outcome) => this.#settle(one, outcome));
    return one;
  }

  #arm(delay: number): void {
    if (this.#over || this.#begun > this.#rule.maxHedges) return;
    this.#stopTimer = startTimer(this.#scope.clock, delay, () => this.#guarded(() => this.#hedge(delay)));
  }

  #hedge(delay: number): void {
    if (!this.#rule.budget.withdraw()) return;
    this.#report({ type: "hedged", policy: this.#rule.name, number: this.#begun + 1 });
    this.#begin();
    this.#arm(delay);
  }

  #settle(one: Try, outcome: Outcome<T>): void {
    this.#running.delete(one);
    if (this.#over) return;
    if (outcome.ok) return this.#win(outcome.value);
    this.#firstFailure ??= { error: outcome.error };
    this.#guarded(() => {
      if (this.#begun > 1) {
        this.#report({
          type: "try-failed",
          policy: this.#rule.name,
          number: one.number,
          error: outcome.error,
        });
      }
      if (this.#running.size === 0) this.#fail(this.#firstFailure?.error);
    });
  }

  #win(value: T): void {
    this.#end.resolve(value);
    // An error for the losers costs more than all the rest of a call that was fast enough to have none.
    this.#stop(
      this.#running.size === 0 ? undefined : new DOMException("Another try was faster", "AbortError"),
    );
  }

  #fail(reason: unknown): void {
    this.#end.reject(reason);
    this.#stop(reason);
  }

  #stop(reason: unknown): void {
    this.#over = true;
    this.#stopTimer();
    for (const { own } of this.#running) own.abort(reason);
  }

  /** What a listener throws ends the call. */
  #guarded(act: () => void): void {
    try {
      act();
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #report(event: PolicyEvent): void {
    emitEvent(event, this.#rule.on, this.#scope.on);
  }
}
