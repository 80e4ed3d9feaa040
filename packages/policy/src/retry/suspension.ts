import type { Attempt } from "../core/attempt.ts";
import type { Context } from "../core/context.ts";
import type { Task } from "../core/policy.ts";
import type { RetryRule } from "./options.ts";
import { noProgress, type RetryProgress } from "./progress.ts";
import { runRetry } from "./retry-loop.ts";

/** Ends a call in place of its waits, and continues it later. */
export interface Suspension {
  /** The progress with which the call ended before; undefined for a new call. */
  readonly progress: RetryProgress | undefined;
  /** Called before each retry, with the progress after the wait. An error that it throws ends the call in place of the wait. */
  readonly suspend: (progress: RetryProgress) => void;
}

/**
 * Runs a task by a rule, but calls `suspend` before each wait. A call that ends and continues makes the same
 * attempts, decisions and waits as one that sleeps, and its share of the budget is deposited once.
 *
 * A retry inside of the task waits by itself.
 */
export function executeSuspendable<T extends R, R>(
  rule: RetryRule<R>,
  task: Task<T>,
  { context, progress, suspend }: Suspension & { readonly context: Context },
): Promise<T> {
  const { budget } = rule;
  const { on } = context;
  const onlyWithdraw = { deposit: () => undefined, withdraw: () => budget.withdraw() };
  const continued = progress === undefined ? rule : { ...rule, progress, budget: onlyWithdraw };
  return runRetry(continued, (scope) => task({ ...scope, on }), {
    ...context,
    // The last event before a wait. The rule's own callbacks have been called by then.
    on: (event) => {
      on?.(event);
      if (event.type === "retry") suspend(progressAfter(event.attempt, event.delay));
    },
  });
}

function progressAfter({ number, idleFor, elapsed }: Attempt, waited: number): RetryProgress {
  return { number, waited, idleFor: idleFor + waited, elapsed: elapsed + waited };
}

/** Returns whether a value, such as parsed JSON, is the progress of a call. */
export function isRetryProgress(value: unknown): value is RetryProgress {
  if (typeof value !== "object" || value === null) return false;
  return Object.keys(noProgress).every((name) => {
    const field: unknown = Reflect.get(value, name);
    return typeof field === "number" && field >= 0 && field < Infinity;
  });
}
