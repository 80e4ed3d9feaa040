import { checkOptions, describeValue, type OptionTypes } from "../support/check-options.ts";
import type { Context } from "../core/context.ts";
import { withName, strategyName } from "../support/strategy-name.ts";
import type { Explanation, Policy } from "../core/policy.ts";
import { iterateAttempts, type AttemptRun } from "./attempt-iterator.ts";
import { isClass } from "./when.ts";
import { retryDefaults, type RetryOptions, type RetryRule } from "./options.ts";
import { runRetry } from "./retry-loop.ts";

/**
 * A retry policy: runs tasks, wraps functions and decorates methods.
 *
 * Called with a function, it returns a function with the same parameters and `this` that retries. A TC39 method decorator
 * has the same shape, so `@retry({...})` before a method works too. It also works with `experimentalDecorators`.
 */
export interface RetryPolicy<R = unknown> extends Policy<R> {
  /** As a decorator with `experimentalDecorators`, before an async method. */
  <T extends (...args: never[]) => PromiseLike<R>>(
    target: object,
    name: string | symbol,
    method: TypedPropertyDescriptor<T>,
  ): void;
  <This, Args extends unknown[], T extends R>(
    fn: (this: This, ...args: Args) => T | PromiseLike<T>,
    decorated?: ClassMethodDecoratorContext,
  ): (this: This, ...args: Args) => Promise<T>;
  /** The settings, with defaults filled in. */
  readonly rule: RetryRule<R>;
  /** Returns a copy of the policy with some settings changed. */
  with<S extends R = R>(overrides: RetryOptions<S>): RetryPolicy<S>;
  /**
   * Yields attempts until one succeeds. Run your work in each attempt with `attempt.run`. The iteration throws the last error
   * when the policy gives up, and the signal's reason when it is aborted.
   */
  attempts(context?: Context): AsyncIterable<AttemptRun<R>, void>;
}

const optionTypes = {
  when: ["function", "retryIfError(ConnectionError)", "shouldRetry retry"],
  wait: [
    "function",
    'waitFixed("1s")',
    "minTimeout maxTimeout factor randomize startingDelay timeMultiple delayFirstAttempt maxDelay delay jitter backoff",
  ],
  stop: [
    "function",
    "stopAfterAttempt(5)",
    "retries maxRetries attempts maxAttempts numOfAttempts forever maxRetryTime shouldConsumeRetry",
  ],
  before: "function",
  after: ["function", "afterLog(console)", "onFailedAttempt"],
  beforeSleep: ["function", "beforeSleepLog(console)", "onRetry"],
  retryErrorCallback: "function",
  reraise: "boolean",
  waitForCircuit: "boolean",
  enabled: "boolean",
  budget: "object",
  progress: "object",
  on: "function",
  context: ["object", "{ signal }", "signal unref"],
  name: "string",
} satisfies OptionTypes<RetryOptions>;

function checkRetryOptions(options: object): void {
  if (typeof options === "function")
    throw new TypeError(
      "retry takes options, got a function: write retry().execute(fn) to call it, or retry()(fn) to wrap it",
    );
  checkOptions("retry", options, optionTypes);
  const { when } = { when: undefined, ...options };
  if (when !== undefined && isClass(when))
    throw new TypeError(
      `retry.when must be a condition such as retryIfError(${strategyName(when)}), got a class`,
    );
}

/**
 * Creates a retry policy. `retryDefaults` lists the defaults.
 *
 * @throws TypeError for an unknown option or a value of the wrong type.
 */
export function retry<R = unknown>(options: RetryOptions<R> = {}): RetryPolicy<R> {
  checkRetryOptions(options);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const rule: RetryRule<R> = { ...retryDefaults, ...given };
  const policy: Policy<R> = {
    execute: (task, context = rule.context) => runRetry(rule, task, context),
    explain: () => explainRule(rule),
    cloneForPlan: () => cloneRule(rule),
  };
  type Fn = (this: unknown, ...args: unknown[]) => R;
  const wrap = (fn: Fn, _name?: unknown, method?: TypedPropertyDescriptor<unknown>): unknown => {
    // The descriptor of a legacy decorator. `functions.map(policy)` also passes a third argument.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the value of a method is a function
    if (typeof method?.value === "function") return { ...method, value: wrap(method.value as Fn) };
    if (typeof fn !== "function")
      throw new TypeError(
        `retry()(fn) takes a function, got ${describeValue(fn)}: pass the function, and not its result`,
      );
    return withName(fn.name, function (this: unknown, ...args: unknown[]): Promise<R> {
      return runRetry(rule, () => fn.apply(this, args), rule.context);
    });
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one function implements all signatures
  return Object.assign(wrap, policy, {
    rule,
    with: (overrides: RetryOptions<R>) => retry({ ...rule, ...overrides }),
    attempts: (context?: Context) => iterateAttempts(policy, context),
  }) as unknown as RetryPolicy<R>;
}

function explainRule(rule: RetryRule<never>): Explanation {
  const { name, when, wait, stop, reraise, waitForCircuit, enabled } = rule;
  return {
    policy: name,
    when: strategyName(when),
    wait: strategyName(wait),
    stop: strategyName(stop),
    reraise,
    ...(waitForCircuit && { waitForCircuit }),
    enabled,
  };
}

function cloneRule<R>({ name, when, wait, stop, ...rule }: RetryRule<R>): Policy<R> {
  const { reraise, waitForCircuit, enabled } = rule;
  return retry({ name, when, wait, stop, reraise, waitForCircuit, enabled });
}
