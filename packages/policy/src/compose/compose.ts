import { enterScope, type Context } from "../core/context.ts";
import { asPolicy, type AnyPolicy, type Policy, type Task } from "../core/policy.ts";

/** The part of a policy that the type checker reads. */
export interface PolicyTypes<R, A> {
  readonly "~types"?: { readonly judges: (value: R) => void; readonly adds: A };
}

/**
 * The policy that a list of policies makes: it judges what they all can judge, and may give what any of them adds. What
 * an inner one adds is judged by the outer ones; where they cannot, there is no such policy.
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
 * Makes one policy of several, the outermost first: `compose(timeout("60s"), retry(), breaker())` limits all attempts
 * together, and shows each of them to the breaker. Of none, it runs the task as it is.
 */
export function compose<const Policies extends readonly AnyPolicy[]>(
  ...policies: Policies
): Composed<Policies>;
export function compose(...policies: readonly AnyPolicy[]): unknown {
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
