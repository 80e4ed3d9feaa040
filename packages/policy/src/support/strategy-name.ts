/** Gives a strategy a readable name, which is what `explain` prints of it: `"waitFixed(2s)"`. */
export function withName<F extends (...args: never[]) => unknown>(name: string, strategy: F): F {
  return Object.defineProperty(strategy, "name", { value: name });
}

/** The name of a strategy: ours say how they were made, a user's is the function's own. */
export function strategyName(strategy: { readonly name: string }): string {
  return strategy.name || "(anonymous)";
}

/** Joins the names of combined strategies: `"stopAny(stopAfterAttempt(3), stopAfterDelay(30s))"`. */
export function combinedName(combinator: string, strategies: readonly { readonly name: string }[]): string {
  return `${combinator}(${strategies.map(strategyName).join(", ")})`;
}
