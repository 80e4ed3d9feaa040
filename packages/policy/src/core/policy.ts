import type { Context, Scope } from "./context.ts";

/** Work that can be done again: called anew for each attempt, with the attempt's number, signal and deadline. */
export type Task<T> = (scope: Scope) => T | PromiseLike<T>;

/** A printable description of a policy: its name and the settings that decide. */
export interface Explanation {
  readonly policy: string;
  readonly [setting: string]: unknown;
}

/**
 * Something that runs a task under a rule. `R` is what the rule can judge: `unknown` for any task. `A` is what the rule
 * may give instead of the task's value, as a fallback does: `never` for most.
 */
export interface Policy<in R = unknown, out A = never> {
  /** Runs the task under the rule and gives its value, or throws what the rule makes of its failure. */
  execute<T extends R>(task: Task<T>, context?: Context): Promise<T | A>;
  /** The rule as a value that can be printed or compared. */
  explain(): Explanation;
  /**
   * The same rule without history and without listeners, for trying out what it would do. A policy that remembers
   * nothing between calls and calls nobody leaves it out.
   */
  cloneForPlan?(): Policy<R, A>;
  /** For the type checker alone, which cannot infer `R` from a generic method; never there when the program runs. */
  readonly "~types"?: { readonly judges: (value: R) => void; readonly adds: A };
}

/** A policy of any kind. */
export type AnyPolicy = Policy<never, unknown>;

/** Takes a policy for one of tasks of any type; whoever calls it has made sure that its tasks suit the policy. */
export function asPolicy(policy: AnyPolicy): Policy {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return policy as unknown as Policy;
}
