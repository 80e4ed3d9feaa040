/** Sets the name of a strategy, which `explain` prints: `"waitFixed(2s)"`. Returns the strategy. */
export function withName<F extends (...args: never[]) => unknown>(name: string, strategy: F): F {
  return Object.defineProperty(strategy, "name", { value: name });
}

/** Returns the name of a strategy: that of `withName`, or that of the user's function. */
export function strategyName(strategy: { readonly name: string }): string {
  return strategy.name || "(anonymous)";
}

/** Returns the name of combined strategies: `"stopAny(stopAfterAttempt(3), stopAfterDelay(30s))"`. */
export function combinedName(combinator: string, strategies: readonly { readonly name: string }[]): string {
  return `${combinator}(${strategies.map(strategyName).join(", ")})`;
}
