import { checkOptions, type OptionTypes } from "../support/check-options.ts";
import { type RetryBudget, unlimited } from "../budget/retry-budget.ts";
import { enterScope, type Context } from "../core/context.ts";
import type { Duration } from "../clock/duration.ts";
import type { Listener } from "../core/events.ts";
import type { Policy, Task } from "../core/policy.ts";
import { fixedDelay, learnedDelay, type HedgeDelay } from "./hedge-delay.ts";
import { HedgedCall, type HedgeRule } from "./hedged-call.ts";

/** The options that both kinds of hedge share. */
export interface HedgeSharedOptions {
  /** How many more tries a call may start. @default 1 */
  readonly maxHedges?: number;
  /** Limits the hedges of all calls together. Share one budget with retries. @default unlimited */
  readonly budget?: RetryBudget;
  /** Receives every event. */
  readonly on?: Listener;
  /** Name of the policy in events and explanations. @default "hedge" */
  readonly name?: string;
}

/** Starts another try after a fixed time. */
export interface FixedHedgeOptions extends HedgeSharedOptions {
  /** Time from the start of a try to the start of the next one. */
  readonly delay: Duration;
}

/** Starts another try when a call takes longer than most recent calls. */
export interface LearnedHedgeOptions extends HedgeSharedOptions {
  /** Share of recent calls that were faster. 0.95 hedges one call in twenty. */
  readonly quantile: number;
  /** Number of recent calls that count. @default 100 */
  readonly window?: number;
  /** Number of durations that are needed before the first hedge. @default 20 */
  readonly minimumThroughput?: number;
}

/** The options of `hedge`. */
export type HedgeOptions = FixedHedgeOptions | LearnedHedgeOptions;

const optionTypes = {
  delay: "any",
  quantile: "number",
  window: "number",
  minimumThroughput: "number",
  maxHedges: "number",
  budget: "object",
  on: "function",
  name: "string",
} satisfies OptionTypes<FixedHedgeOptions & LearnedHedgeOptions>;

/** The defaults of `hedge`. */
export const hedgeDefaults: Required<Omit<LearnedHedgeOptions, "quantile" | "on">> = {
  maxHedges: 1,
  budget: unlimited,
  name: "hedge",
  window: 100,
  minimumThroughput: 20,
};

/**
 * Creates a hedge: a slow call is started a second time, and the first success wins (J. Dean and L. A. Barroso, The Tail
 * at Scale). The other tries are aborted with an AbortError. Use it only for tasks that are safe to run twice.
 *
 * A failed try does not end the call while another try runs. When all running tries have failed, the call rejects with the
 * first failure unchanged, not with an AggregateError: so a retry or breaker around the hedge sees the same error with
 * and without a hedge. The failures are also emitted as `try-failed` events.
 *
 * @throws RangeError for `maxHedges` below 1, an invalid `quantile`, or `minimumThroughput` above `window`.
 */
export function hedge(options: HedgeOptions): Policy {
  checkOptions("hedge", options, optionTypes);
  const { maxHedges, budget, name } = { ...hedgeDefaults, ...options };
  if (!(maxHedges >= 1)) throw new RangeError(`hedge needs maxHedges of 1 or more, got ${maxHedges}`);
  const rule: HedgeRule = { maxHedges, budget, name, on: options.on };
  let delay = createDelay(options);
  const learn = (duration: number): void => {
    delay = delay.after(duration);
  };
  const execute = async <T>(task: Task<T>, context?: Context): Promise<T> => {
    const scope = enterScope(context);
    const { signal } = scope;
    if (signal?.aborted === true) throw signal.reason;
    budget.deposit();
    return new HedgedCall(rule, task, scope).run(delay.delay, learn);
  };
  return {
    execute,
    explain: () => ({ policy: name, delay: delay.name, maxHedges }),
    cloneForPlan: () => {
      const { on: _on, budget: _budget, ...rest } = options;
      return hedge(rest);
    },
  };
}

function createDelay(options: HedgeOptions): HedgeDelay {
  if ("delay" in options) return fixedDelay(options.delay);
  return learnedDelay(options.quantile, { ...hedgeDefaults, ...options });
}
