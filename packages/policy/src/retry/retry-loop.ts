import type { Attempt } from "../core/attempt.ts";
import { toFirstScope, toScope, type Context, type Scope } from "../core/context.ts";
import { CircuitOpenError, RetryError, TryAgain, type GiveUpReason } from "../core/errors.ts";
import type { PolicyEvent } from "../core/events.ts";
import { failed, succeeded, unwrap, type Outcome } from "../core/outcome.ts";
import type { Task } from "../core/policy.ts";
import { addCause } from "../support/add-cause.ts";
import type { RetryRule } from "./options.ts";
import { noProgress } from "./progress.ts";

/** The scope of a first attempt without a context. All calls share it, so that none builds one. */
const defaultScope: Scope = Object.freeze(toScope(undefined, 1));

/*
 * The hot path: a first attempt that succeeds costs one reading of the clock, two closures and one promise. `runLoop`
 * builds everything else at the first failure. bench/README.md has the measurements.
 */
/** Runs a task by a rule: makes attempts until one succeeds or the rule gives up. */
export function runRetry<T extends R, R>(
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
  const observed = rule.before !== undefined || rule.on !== undefined || scope.on !== undefined;
  if (accepts === undefined || observed || rule.progress !== undefined)
    return runLoop({ rule, task, scope, startedAt });
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

/** Runs the retry loop. `first` is the outcome of the first attempt, if that has already ended. */
async function runLoop<T extends R, R>(call: RetriedCall<T, R>, first?: Outcome<T>): Promise<T> {
  const { rule, scope } = call;
  let attempts: Attempt<T>[] = [];
  let { startedAt } = call;
  let { number, waited, idleFor, elapsed } = rule.progress ?? noProgress;
  const began = startedAt - elapsed;
  for (;;) {
    number += 1;
    const outcome = first ?? (await performAttempt(call, number));
    first = undefined;
    const endedAt = scope.clock.now();
    elapsed = endedAt - began;
    const attempt: Attempt<T> = { number, outcome, startedAt, endedAt, elapsed, waited, idleFor };
    attempts = appendAttempt(rule, attempts, attempt);
    if (!(await shouldRetry(call, attempt))) return unwrapUnlessAborted(call, outcome, attempts.at(-2));
    waited = Math.max(circuitDelay(call, outcome), rule.wait(attempt, scope.random)) || 0;
    const reason = findGiveUpReason(call, attempt, waited);
    if (reason !== undefined) return giveUp(call, { attempt, attempts, reason });
    idleFor += waited;
    await rule.beforeSleep?.(attempt, waited);
    emit(call, { type: "retry", policy: rule.name, attempt, delay: waited });
    // Without a wait, a task that always fails would starve timers and sockets. So every 64th attempt yields to them.
    if (waited > 0 || number % 64 === 0) await scope.clock.sleep(waited, scope.signal);
    startedAt = scope.clock.now();
  }
}

// A poll that runs for days must not keep all its results.
const maxKeptAttempts = 100;

// An array literal has room for its one element. After `push` it has room for 17 (136 bytes of a waiting call).
function appendAttempt<T extends R, R>(
  { retryErrorCallback }: RetryRule<R>,
  attempts: Attempt<T>[],
  attempt: Attempt<T>,
): Attempt<T>[] {
  // Only a RetryError needs the earlier attempts.
  if (retryErrorCallback !== undefined) return attempts;
  if (attempts.length === 0) return [attempt];
  if (attempts.length === maxKeptAttempts) attempts.shift();
  attempts.push(attempt);
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

/** Returns whether to retry, and emits the `attempt` event. */
async function shouldRetry<T extends R, R>(call: RetriedCall<T, R>, attempt: Attempt<T>): Promise<boolean> {
  const { rule } = call;
  const { outcome } = attempt;
  const ended = wasAborted(call, outcome) || (!rule.waitForCircuit && isCircuitOpen(outcome));
  const again = !ended && (isTryAgain(outcome) || (await judge(rule, attempt)));
  emit(call, { type: "attempt", policy: rule.name, attempt, again });
  if (again && rule.after !== undefined) await rule.after(attempt);
  return again;
}

/** Calls the condition. The error of a condition that fails has the error that it judged as its cause. */
function judge<T extends R, R>({ when }: RetryRule<R>, attempt: Attempt<T>): boolean | Promise<boolean> {
  const fail = (thrown: unknown): never => {
    if (!attempt.outcome.ok) addCause(thrown, attempt.outcome.error);
    throw thrown;
  };
  try {
    const again = when(attempt);
    return again instanceof Promise ? again.catch(fail) : again;
  } catch (thrown) {
    return fail(thrown);
  }
}

function unwrapUnlessAborted<T extends R, R>(
  call: RetriedCall<T, R>,
  outcome: Outcome<T>,
  before: Attempt<T> | undefined,
): T {
  if (wasAborted(call, outcome)) throw call.scope.signal?.reason;
  // The failure before says why the circuit is open.
  if (isCircuitOpen(outcome) && before?.outcome.ok === false) addCause(outcome.error, before.outcome.error);
  return unwrap(outcome);
}

function isCircuitOpen(
  outcome: Outcome<unknown>,
): outcome is { readonly ok: false; readonly error: CircuitOpenError } {
  return !outcome.ok && outcome.error instanceof CircuitOpenError;
}

/** Returns the milliseconds until an open circuit runs calls again; 0 after any other outcome. */
function circuitDelay<T extends R, R>({ scope }: RetriedCall<T, R>, outcome: Outcome<T>): number {
  return isCircuitOpen(outcome) ? Math.max(0, outcome.error.retryAt - scope.clock.date()) : 0;
}

function wasAborted<T extends R, R>({ scope }: RetriedCall<T, R>, outcome: Outcome<T>): boolean {
  return !outcome.ok && scope.signal?.aborted === true;
}

function isTryAgain(outcome: Outcome<unknown>): boolean {
  return !outcome.ok && outcome.error instanceof TryAgain;
}

function findGiveUpReason<T extends R, R>(
  { rule, scope }: RetriedCall<T, R>,
  attempt: Attempt<T>,
  delay: number,
): GiveUpReason | undefined {
  if (rule.stop(attempt, delay)) return "stop";
  // A wait that would exceed the deadline is not started: an error now is more useful than a timeout later.
  if (scope.clock.now() + delay >= scope.deadline) return "deadline";
  return rule.budget.withdraw() ? undefined : "budget";
}

interface GiveUpDetails<T> {
  readonly attempt: Attempt<T>;
  readonly attempts: readonly Attempt<T>[];
  readonly reason: GiveUpReason;
}

function giveUp<T extends R, R>(
  call: RetriedCall<T, R>,
  { attempt, attempts, reason }: GiveUpDetails<T>,
): T | PromiseLike<T> {
  const { rule } = call;
  emit(call, { type: "give-up", policy: rule.name, attempt, reason });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the callback's value replaces the task's
  if (rule.retryErrorCallback !== undefined) return rule.retryErrorCallback(attempt, reason) as T;
  if (!rule.reraise || attempt.outcome.ok) throw new RetryError(reason, attempts);
  const { error } = attempt.outcome;
  throw error instanceof TryAgain ? (error.cause ?? error) : error;
}

function emit<T extends R, R>({ rule, scope }: RetriedCall<T, R>, event: PolicyEvent): void {
  rule.on?.(event);
  scope.on?.(event);
}
