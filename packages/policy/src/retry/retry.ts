import { scopeOf, type Context, type Scope } from "../context.ts";
import { RetryError, TryAgain, type GiveUpReason } from "../errors.ts";
import type { PolicyEvent } from "../events.ts";
import { named, nameOf } from "../named.ts";
import { failed, succeeded, unwrap, type Outcome } from "../outcome.ts";
import type { Explanation, Policy, Task } from "../policy.ts";
import type { Attempt } from "./attempt.ts";
import { attemptsOf, type AttemptRun } from "./attempts.ts";
import { retryDefaults, type RetryOptions, type RetryRule } from "./options.ts";

/**
 * A retry policy: runs tasks, wraps functions, decorates methods.
 *
 * Called with a function, it gives one with the same parameters and `this` that retries. As that is also the shape of
 * a TC39 method decorator, `@retry({...})` before a method does the same.
 */
export interface RetryPolicy<R = unknown> extends Policy<R> {
  <This, Args extends unknown[], T extends R>(
    fn: (this: This, ...args: Args) => T | PromiseLike<T>,
    decorated?: ClassMethodDecoratorContext,
  ): (this: This, ...args: Args) => Promise<T>;
  /** The settings in force, defaults included. */
  readonly rule: RetryRule<R>;
  /** The same policy with some settings changed. */
  with<S extends R = R>(overrides: RetryOptions<S>): RetryPolicy<S>;
  /**
   * Hands out one attempt after another until one is accepted; the caller runs its work in each with `attempt.run`.
   *
   * @throws RetryError out of the iteration when the policy gives up, or the signal's reason.
   */
  attempts(context?: Context): AsyncIterable<AttemptRun<R>, void>;
}

/** Makes a retry policy; see `RetryOptions` for what it does when it is told nothing. */
export function retry<R = unknown>(options: RetryOptions<R> = {}): RetryPolicy<R> {
  const rule: RetryRule<R> = { ...retryDefaults, ...options };
  const policy: Policy<R> = {
    execute: (task, context) => execute(rule, task, context),
    explain: () => explain(rule),
  };
  const wrap = (fn: (this: unknown, ...args: unknown[]) => R): unknown =>
    named(fn.name, function (this: unknown, ...args: unknown[]): Promise<R> {
      return execute(rule, () => fn.apply(this, args), undefined);
    });
  return Object.assign(wrap, policy, {
    rule,
    with: (overrides: RetryOptions<R>) => retry({ ...rule, ...overrides }),
    attempts: (context?: Context) => attemptsOf(policy, context),
  }) as unknown as RetryPolicy<R>;
}

/*
 * The hot path: a first attempt that is accepted unasked costs two readings of nothing but the clock, one scope and one
 * promise. Everything else is built by `Call`, at the first failure.
 */
function execute<T extends R, R>(rule: RetryRule<R>, task: Task<T>, context: Context | undefined): Promise<T> {
  const scope = scopeOf(context, 1);
  if (scope.signal?.aborted === true) return Promise.reject(scope.signal.reason as Error);
  if (!rule.enabled) return attempt(task, scope).then(unwrap);
  rule.budget.deposit();
  const startedAt = scope.clock.now();
  const unasked = rule.when.acceptsResults === true && rule.before === undefined && (rule.on ?? scope.on) === undefined;
  if (!unasked) return new Call(rule, task, scope, startedAt).run();
  const resume = (outcome: Outcome<T>): Promise<T> => new Call(rule, task, scope, startedAt).run(outcome);
  try {
    const pending = task(scope);
    return isThenable(pending)
      ? (pending.then(undefined, (error: unknown) => resume(failed(error))) as Promise<T>)
      : Promise.resolve(pending);
  } catch (error) {
    return resume(failed(error));
  }
}

/** One call of one policy: all of its state, so that concurrent calls never mix. */
class Call<T extends R, R> {
  readonly #rule: RetryRule<R>;
  readonly #task: Task<T>;
  readonly #scope: Scope;
  readonly #startedAt: number;
  readonly #attempts: Attempt<T>[] = [];
  #idleFor = 0;

  constructor(rule: RetryRule<R>, task: Task<T>, scope: Scope, startedAt: number) {
    this.#rule = rule;
    this.#task = task;
    this.#scope = scope;
    this.#startedAt = startedAt;
  }

  /** The retry loop. `first` is the outcome of the first attempt where it was made already. */
  async run(first?: Outcome<T>): Promise<T> {
    const { clock, signal } = this.#scope;
    let outcome = first;
    let startedAt = this.#startedAt;
    let waited = 0;
    for (let number = 1; ; number += 1) {
      outcome ??= await this.#perform(number);
      if (signal?.aborted === true && !outcome.ok) throw signal.reason;
      const made = this.#record({ number, outcome, startedAt, waited });
      if (!(await this.#again(made))) return unwrap(outcome);
      await this.#rule.after?.(made);
      const delay = this.#rule.wait(made, this.#scope.random);
      const reason = this.#giveUp(made, delay);
      if (reason !== undefined) return this.#end(made, reason);
      this.#idleFor += delay;
      await this.#rule.beforeSleep?.(made, delay);
      this.#report({ type: "retry", policy: this.#rule.name, attempt: made, delay });
      await this.#pause(delay, number);
      waited = delay;
      startedAt = clock.now();
      outcome = undefined;
    }
  }

  async #perform(number: number): Promise<Outcome<T>> {
    await this.#rule.before?.(number);
    return attempt(this.#task, number === 1 ? this.#scope : { ...this.#scope, attempt: number });
  }

  #record(made: Pick<Attempt<T>, "number" | "outcome" | "startedAt" | "waited">): Attempt<T> {
    const endedAt = this.#scope.clock.now();
    const attempt = { ...made, endedAt, elapsed: endedAt - this.#startedAt, idleFor: this.#idleFor };
    this.#attempts.push(attempt);
    return attempt;
  }

  async #again(made: Attempt<T>): Promise<boolean> {
    const asked = !made.outcome.ok && made.outcome.error instanceof TryAgain;
    const again = asked || (await this.#rule.when(made));
    this.#report({ type: "attempt", policy: this.#rule.name, attempt: made, again });
    return again;
  }

  #giveUp(made: Attempt<T>, delay: number): GiveUpReason | undefined {
    const { clock, deadline } = this.#scope;
    if (this.#rule.stop(made, delay)) return "stop";
    // A wait that cannot fit is not begun: what is known now is worth more than a timeout later.
    if (clock.now() + delay >= deadline) return "deadline";
    return this.#rule.budget.withdraw() ? undefined : "budget";
  }

  #end(made: Attempt<T>, reason: GiveUpReason): T | PromiseLike<T> {
    this.#report({ type: "give-up", policy: this.#rule.name, attempt: made, reason });
    if (this.#rule.retryErrorCallback !== undefined) return this.#rule.retryErrorCallback(made) as T;
    if (!this.#rule.reraise || made.outcome.ok) throw new RetryError(reason, this.#attempts);
    const { error } = made.outcome;
    throw error instanceof TryAgain ? (error.cause ?? error) : error;
  }

  async #pause(delay: number, number: number): Promise<void> {
    const { clock, signal } = this.#scope;
    // No wait means at once, but a task that fails without ever waiting must not starve timers and sockets.
    if (delay > 0 || number % 64 === 0) await clock.sleep(delay, signal);
    if (signal?.aborted === true) throw signal.reason;
  }

  #report(event: PolicyEvent): void {
    this.#rule.on?.(event);
    this.#scope.on?.(event);
  }
}

async function attempt<T>(task: Task<T>, scope: Scope): Promise<Outcome<T>> {
  try {
    return succeeded(await task(scope));
  } catch (error) {
    return failed(error);
  }
}

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as Partial<PromiseLike<T>> | null | undefined)?.then === "function";
}

function explain(rule: RetryRule<never>): Explanation {
  const { name, when, wait, stop, reraise, enabled } = rule;
  return { policy: name, when: nameOf(when), wait: nameOf(wait), stop: nameOf(stop), reraise, enabled };
}
