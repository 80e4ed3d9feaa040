import { checkOptions, type OptionTypes } from "../support/check-options.ts";
import { enterScope, type Context, type Scope } from "../core/context.ts";
import { emitEvent, type Listener } from "../core/events.ts";
import { addCause } from "../support/add-cause.ts";
import { strategyName } from "../support/strategy-name.ts";
import { captureOutcome, unwrap } from "../core/outcome.ts";
import type { Policy, Task } from "../core/policy.ts";
import type { Attempt } from "../core/attempt.ts";
import type { When } from "../retry/when.ts";

/** The options that both kinds of fallback share. */
export interface FallbackSharedOptions<R> {
  /** Decides which outcomes are replaced: a condition of `retry`, or your own. @default any error */
  readonly when?: When<R>;
  /** Receives every event of every call. */
  readonly on?: Listener;
  /** Name of the policy in events and explanations. @default "fallback" */
  readonly name?: string;
}

/** Replaces an outcome by a value. */
export interface FallbackToValue<A, R = unknown> extends FallbackSharedOptions<R> {
  /** The value to return. */
  readonly value: A;
}

/** Replaces an outcome by the result of another task, which receives the replaced attempt. */
export interface FallbackToTask<A, R = unknown> extends FallbackSharedOptions<R> {
  /** The other task. */
  readonly task: (scope: Scope, replaced: Attempt<R>) => A | PromiseLike<A>;
}

/** The options of `fallback`. */
export type FallbackOptions<A, R = unknown> = FallbackToValue<A, R> | FallbackToTask<A, R>;

const optionTypes = {
  value: "any",
  task: "function",
  when: "function",
  on: "function",
  name: "string",
} satisfies OptionTypes<FallbackToValue<unknown> & FallbackToTask<unknown>>;

/**
 * Creates a policy that replaces a failure, or a result that `when` selects, by a value or by the result of another task.
 * If that task throws, the call throws its error. The replaced failure becomes the `cause` of an error without one. An
 * abort by the caller is never replaced.
 */
export function fallback<A, R = unknown>(options: FallbackOptions<A, R>): Policy<R, A> {
  checkOptions("fallback", options, optionTypes);
  const { when, on, name = "fallback" } = options;
  const execute = async <T extends R>(task: Task<T>, context?: Context): Promise<T | A> => {
    const scope = enterScope(context);
    const attempt = await performAttempt(task, scope);
    if (attempt.outcome.ok ? when === undefined : scope.signal?.aborted === true)
      return unwrap(attempt.outcome);
    if (when !== undefined && !(await when(attempt))) return unwrap(attempt.outcome);
    emitEvent({ type: "fell-back", policy: name, attempt }, on, scope.on);
    return findReplacement(options, scope, attempt);
  };
  return {
    execute,
    explain: () => ({
      policy: name,
      when: when === undefined ? "any error" : strategyName(when),
      to: "value" in options ? "a value" : strategyName(options.task),
    }),
    cloneForPlan: () => {
      const { on: _on, ...rest } = options;
      return fallback(rest);
    },
  };
}

async function performAttempt<T>(task: Task<T>, scope: Scope): Promise<Attempt<T>> {
  const startedAt = scope.clock.now();
  const outcome = await captureOutcome(() => task(scope));
  const endedAt = scope.clock.now();
  return {
    number: scope.attempt,
    outcome,
    startedAt,
    endedAt,
    elapsed: endedAt - startedAt,
    waited: 0,
    idleFor: 0,
  };
}

async function findReplacement<A, R>(
  options: FallbackOptions<A, R>,
  scope: Scope,
  replaced: Attempt<R>,
): Promise<A> {
  if ("value" in options) return options.value;
  const outcome = await captureOutcome(() => options.task(scope, replaced));
  if (!outcome.ok && !replaced.outcome.ok) addCause(outcome.error, replaced.outcome.error);
  return unwrap(outcome);
}
