import type { RetryBudgetOptions } from "@holdfast/policy";

/**
 * The retry budget of a session and of `createFetch`: one retry for two calls, plus a hundred per second. In an outage, a server
 * gets at most half as many requests again.
 */
export const budgetDefaults: RetryBudgetOptions = Object.freeze({
  ratio: 0.5,
  minPerSecond: 100,
  window: "10s",
});
