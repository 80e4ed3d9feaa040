import type { Context, Scope } from "./context.ts";

/** A function that a policy runs: called once per attempt, with the attempt's number, signal and deadline. */
export type Task<T> = (scope: Scope) => T | PromiseLike<T>;

/** A description of a policy for printing: its name and its most important settings. */
export interface Explanation {
  readonly policy: string;
  readonly [setting: string]: unknown;
}

/**
 * Runs tasks under a rule, such as a retry or a timeout. `R` is the type of results that the rule can inspect: `unknown`
 * accepts any task. `A` is the type of values that the rule may return in place of the task's value, as a fallback does:
 * `never` for most policies.
 */
export interface Policy<in R = unknown, out A = never> {
  /** Runs the task under the rule and returns its value. Rejects with the task's error or an error of the policy. */
  execute<T extends R>(task: Task<T>, context?: Context): Promise<T | A>;
  /** Returns the settings as a plain value, for printing and comparing. */
  explain(): Explanation;
  /**
   * Returns a copy without history and without listeners, on which `plan` simulates calls. A policy without state and
   * without listeners does not need it.
   */
  cloneForPlan?(): Policy<R, A>;
  /** Exists for the type checker only, which cannot infer `R` from a generic method. Never set. */
  readonly "~types"?: { readonly judges: (value: R) => void; readonly adds: A };
}

/** A policy for tasks of any type. */
export type AnyPolicy = Policy<never, unknown>;

/** Removes the types of a policy. The caller makes sure that its tasks suit the policy. */
export function asPolicy(policy: AnyPolicy): Policy {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return policy as unknown as Policy;
}
