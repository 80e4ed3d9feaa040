import { scopeWithin, type Context } from "../core/context.ts";
import { forAnyTask, type AnyPolicy, type Policy, type Task } from "../core/policy.ts";

interface Typed<R, A> {
  readonly "~types"?: { readonly judges: (value: R) => void; readonly adds: A };
}

/**
 * The policy that a list of policies makes: it judges what they all can judge, and may give what any of them adds. What
 * an inner one adds is judged by the outer ones; where they cannot, there is no such policy.
 */
export type Composed<Policies extends readonly unknown[]> = Policies extends readonly []
  ? Policy
  : Policies extends readonly [Typed<infer R, infer A>, ...infer Inner]
    ? Around<R, A, Composed<Inner>>
    : Policies extends readonly Typed<infer R, infer A>[]
      ? Policy<R, A>
      : never;

type Around<R, A, Inner> =
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
  return composed(policies.map(forAnyTask));
}

function composed(policies: readonly Policy[]): Policy {
  return {
    execute: async <T>(task: Task<T>, context?: Context): Promise<T> =>
      policies.reduceRight<Task<T>>(around, task)(scopeWithin(context)),
    explain: () => ({ policy: "compose", policies: policies.map((policy) => policy.explain()) }),
    rehearsal: () => composed(policies.map((policy) => policy.rehearsal?.() ?? policy)),
  };
}

function around<T>(inner: Task<T>, policy: Policy): Task<T> {
  return (scope) => policy.execute(inner, scope);
}
