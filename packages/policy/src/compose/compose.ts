import { describeValue } from "../support/check-options.ts";
import { enterScope, type Context } from "../core/context.ts";
import { asPolicy, type AnyPolicy, type Policy, type Task } from "../core/policy.ts";

/** The part of a policy that the type checker reads. */
export interface PolicyTypes<R, A> {
  readonly "~types"?: { readonly judges: (value: R) => void; readonly adds: A };
}

/**
 * The type of a composed policy. It accepts the results that all its policies accept, and may return the values that any
 * of them adds. The outer policies must accept the values that the inner ones add; otherwise the type is `never`.
 */
export type Composed<Policies extends readonly unknown[]> = Policies extends readonly []
  ? Policy
  : Policies extends readonly [PolicyTypes<infer R, infer A>, ...infer Inner]
    ? Wrapped<R, A, Composed<Inner>>
    : Policies extends readonly PolicyTypes<infer R, infer A>[]
      ? Policy<R, A>
      : never;

/** The type of a policy around another policy. */
export type Wrapped<R, A, Inner> =
  Inner extends Policy<infer InnerR, infer InnerA>
    ? [InnerA] extends [R]
      ? Policy<R & InnerR, A | InnerA>
      : never
    : never;

/**
 * Combines policies into one, the outermost first: in `compose(timeout("60s"), retry(), breaker())`, the timeout covers
 * all attempts together, and the breaker sees each attempt. Without policies, the task runs unchanged.
 *
 * @throws TypeError for a value that is not a policy.
 */
export function compose<const Policies extends readonly AnyPolicy[]>(
  ...policies: Policies
): Composed<Policies>;
export function compose(...policies: readonly AnyPolicy[]): unknown {
  for (const policy of policies)
    if (typeof policy?.execute !== "function")
      throw new TypeError(`compose takes policies, such as retry(), got ${describeValue(policy)}`);
  return composeAll(policies.map(asPolicy));
}

function composeAll(policies: readonly Policy[]): Policy {
  return {
    execute: async <T>(task: Task<T>, context?: Context): Promise<T> =>
      policies.reduceRight<Task<T>>(wrapTask, task)(enterScope(context)),
    explain: () => ({ policy: "compose", policies: policies.map((policy) => policy.explain()) }),
    cloneForPlan: () => composeAll(policies.map((policy) => policy.cloneForPlan?.() ?? policy)),
  };
}

function wrapTask<T>(inner: Task<T>, policy: Policy): Task<T> {
  return (scope) => policy.execute(inner, scope);
}
