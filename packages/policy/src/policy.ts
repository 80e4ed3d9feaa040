import type { Context, Scope } from "./context.ts";

/** Work that can be done again: called anew for each attempt, with the attempt's number, signal and deadline. */
export type Task<T> = (scope: Scope) => T | PromiseLike<T>;

/** A printable description of a policy: its name and the settings that decide. */
export interface Explanation {
  readonly policy: string;
  readonly [setting: string]: unknown;
}

/** Something that runs a task under a rule. `R` is what the rule can judge: `unknown` for any task. */
export interface Policy<in R = unknown> {
  /** Runs the task under the rule and gives its value, or throws what the rule makes of its failure. */
  execute<T extends R>(task: Task<T>, context?: Context): Promise<T>;
  /** The rule as a value that can be printed or compared. */
  explain(): Explanation;
}
