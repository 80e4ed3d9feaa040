import { toFirstScope, toScope, type Context, type Scope } from "../core/context.ts";
import { RetryError, TryAgain, type GiveUpReason } from "../core/errors.ts";
import type { PolicyEvent } from "../core/events.ts";
import { withName, strategyName } from "../support/strategy-name.ts";
import { failed, succeeded, unwrap, type Outcome } from "../core/outcome.ts";
import type { Explanation, Policy, Task } from "../core/policy.ts";
import type { Attempt } from "../core/attempt.ts";
import { iterateAttempts, type AttemptRun } from "./attempt-iterator.ts";
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
    execute: (task, context = rule.context) => execute(rule, task, context),
    explain: () => explainRule(rule),
    cloneForPlan: () => cloneRule(rule),
  };
  const wrap = (fn: (this: unknown, ...args: unknown[]) => R): unknown =>
    withName(fn.name, function (this: unknown, ...args: unknown[]): Promise<R> {
      return execute(rule, () => fn.apply(this, args), rule.context);
    });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one function stands for every signature it is asked for
  return Object.assign(wrap, policy, {
    rule,
    with: (overrides: RetryOptions<R>) => retry({ ...rule, ...overrides }),
    attempts: (context?: Context) => iterateAttempts(policy, context),
  }) as unknown as RetryPolicy<R>;
}

/** What a first attempt without a context is told: the same for all, so that none has to be built. */
const defaultScope: Scope = Object.freeze(toScope(undefined, 1));

/*
 * The hot path: a first attempt that is accepted costs one reading of the clock, two closures and one promise. The
 * rest is built by `run`, at the first failure. bench/README.md has what it costs.
 */
function execute<T extends R, R>(
  rule: RetryRule<R>,
  task: Task<T>,
  context: Context | undefined,
): Promise<T> {
  const scope = context === undefined ? defaultScope : toFirstScope(context);
  if (scope.signal?.aborted === true) return Promise.reject(scope.signal.reason);
  if (!rule.enabled) return callTask(task, scope);
  rule.budget.deposit();
  const startedAt = scope.clock.now();
  const { accepts } = rule.when;
  const watched = rule.before !== undefined || rule.on !== undefined || scope.on !== undefined;
  if (accepts === undefined || watched) return runLoop({ rule, task, scope, startedAt });
  return callTask(task, scope).then(
    (value) => (accepts(value) ? value : runLoop({ rule, task, scope, startedAt }, succeeded(value))),
    (error: unknown) => runLoop({ rule, task, scope, startedAt }, failed(error)),
  );
}

/** One call of one policy. */
interface RetriedCall<T extends R, R> {
  readonly rule: RetryRule<R>;
  readonly task: Task<T>;
  readonly scope: Scope;
  readonly startedAt: number;
}

/** The retry loop. `first` is the outcome of the first attempt where it was made already. */
async function runLoop<T extends R, R>(call: RetriedCall<T, R>, first?: Outcome<T>): Promise<T> {
  const { rule, scope } = call;
  let attempts: Attempt<T>[] = [];
  let { startedAt } = call;
  let waited = 0;
  let idleFor = 0;
  for (let number = 1; ; number += 1) {
    const outcome = number === 1 && first !== undefined ? first : await performAttempt(call, number);
    const endedAt = scope.clock.now();
    const made: Attempt<T> = {
      number,
      outcome,
      startedAt,
      endedAt,
      elapsed: endedAt - call.startedAt,
      waited,
      idleFor,
    };
    attempts = appendAttempt(attempts, made);
    if (!(await shouldRetry(call, made))) return unwrapUnlessAborted(call, outcome);
    waited = Math.max(0, rule.wait(made, scope.random)) || 0;
    const reason = findGiveUpReason(call, made, waited);
    if (reason !== undefined) return giveUp(call, { made, attempts, reason });
    idleFor += waited;
    if (rule.beforeSleep !== undefined) await rule.beforeSleep(made, waited);
    emit(call, { type: "retry", policy: rule.name, attempt: made, delay: waited });
    // No wait means at once, but a task that fails without ever waiting must not starve timers and sockets.
    if (waited > 0 || number % 64 === 0) await scope.clock.sleep(waited, scope.signal);
    startedAt = scope.clock.now();
  }
}

// A poll that goes on for days must not keep every answer it ever got.
const maxKeptAttempts = 100;

// A list that is written with one element has room for one; pushed to, it has room for 17 (136 bytes of a waiting call).
function appendAttempt<T>(attempts: Attempt<T>[], made: Attempt<T>): Attempt<T>[] {
  if (attempts.length === 0) return [made];
  if (attempts.length === maxKeptAttempts) attempts.shift();
  attempts.push(made);
  return attempts;
}

async function performAttempt<T extends R, R>(
  { rule, task, scope }: RetriedCall<T, R>,
  number: number,
): Promise<Outcome<T>> {
  if (rule.before !== undefined) await rule.before(number);
  if (scope.signal?.aborted === true) throw scope.signal.reason;
  return callTask(task, number === 1 ? scope : { ...scope, attempt: number }).then(succeeded, failed);
}

function callTask<T>(task: Task<T>, scope: Scope): Promise<T> {
  try {
    return Promise.resolve(task(scope));
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Asks whether to try again, and tells what was answered. */
async function shouldRetry<T extends R, R>(call: RetriedCall<T, R>, made: Attempt<T>): Promise<boolean> {
  const { rule } = call;
  const answer = !wasAborted(call, made.outcome) && (isTryAgain(made.outcome) || (await rule.when(made)));
  emit(call, { type: "attempt", policy: rule.name, attempt: made, again: answer });
  if (answer && rule.after !== undefined) await rule.after(made);
  return answer;
}

function unwrapUnlessAborted<T extends R, R>(call: RetriedCall<T, R>, outcome: Outcome<T>): T {
  if (wasAborted(call, outcome)) throw call.scope.signal?.reason;
  return unwrap(outcome);
}

function wasAborted<T extends R, R>({ scope }: RetriedCall<T, R>, outcome: Outcome<T>): boolean {
  return !outcome.ok && scope.signal?.aborted === true;
}

function isTryAgain(outcome: Outcome<unknown>): boolean {
  return !outcome.ok && outcome.error instanceof TryAgain;
}

function findGiveUpReason<T extends R, R>(
  { rule, scope }: RetriedCall<T, R>,
  made: Attempt<T>,
  delay: number,
): GiveUpReason | undefined {
  if (rule.stop(made, delay)) return "stop";
  // A wait that cannot fit is not begun: what is known now is worth more than a timeout later.
  if (scope.clock.now() + delay >= scope.deadline) return "deadline";
  return rule.budget.withdraw() ? undefined : "budget";
}

interface GiveUpDetails<T> {
  readonly made: Attempt<T>;
  readonly attempts: readonly Attempt<T>[];
  readonly reason: GiveUpReason;
}

function giveUp<T extends R, R>(
  call: RetriedCall<T, R>,
  { made, attempts, reason }: GiveUpDetails<T>,
): T | PromiseLike<T> {
  const { rule } = call;
  emit(call, { type: "give-up", policy: rule.name, attempt: made, reason });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the callback's value takes the place of the task's
  if (rule.retryErrorCallback !== undefined) return rule.retryErrorCallback(made, reason) as T;
  if (!rule.reraise || made.outcome.ok) throw new RetryError(reason, attempts);
  const { error } = made.outcome;
  throw error instanceof TryAgain ? (error.cause ?? error) : error;
}

function emit<T extends R, R>({ rule, scope }: RetriedCall<T, R>, event: PolicyEvent): void {
  rule.on?.(event);
  scope.on?.(event);
}

function explainRule(rule: RetryRule<never>): Explanation {
  const { name, when, wait, stop, reraise, enabled } = rule;
  return {
    policy: name,
    when: strategyName(when),
    wait: strategyName(wait),
    stop: strategyName(stop),
    reraise,
    enabled,
  };
}

function cloneRule<R>({ name, when, wait, stop, reraise, enabled }: RetryRule<R>): Policy<R> {
  return retry({ name, when, wait, stop, reraise, enabled });
}
