import { type RetryBudget, unlimited } from "../budget/retry-budget.ts";
import { enterScope, type Context } from "../core/context.ts";
import type { Duration } from "../clock/duration.ts";
import type { Listener } from "../core/events.ts";
import type { Policy, Task } from "../core/policy.ts";
import { fixedDelay, learnedDelay, type HedgeDelay } from "./hedge-delay.ts";
import { HedgedCall, type HedgeRule } from "./hedged-call.ts";

/** The options that both kinds of hedge share. */
export interface HedgeSharedOptions {
  /** How many further tries a call may begin. @default 1 */
  readonly maxHedges?: number;
  /** What hedges may cost in all; share one with retries. @default unlimited */
  readonly budget?: RetryBudget;
  /** Hears every event. */
  readonly on?: Listener;
  /** Names the policy in events and explanations. @default "hedge" */
  readonly name?: string;
}

/** Begins a further try after a fixed time. */
export interface FixedHedgeOptions extends HedgeSharedOptions {
  /** How long the tries before may take until another is begun. */
  readonly delay: Duration;
}

/** Begins a further try when the first takes longer than most. */
export interface LearnedHedgeOptions extends HedgeSharedOptions {
  /** The share of recent calls that were faster: 0.95 hedges one call in twenty. */
  readonly quantile: number;
  /** Of how many recent calls. @default 100 */
  readonly window?: number;
  /** How many durations must be known before the first hedge. @default 20 */
  readonly minimumThroughput?: number;
}

export type HedgeOptions = FixedHedgeOptions | LearnedHedgeOptions;

/** What `hedge()` does where it is told nothing. */
export const hedgeDefaults: Required<Omit<LearnedHedgeOptions, "quantile" | "on">> = {
  maxHedges: 1,
  budget: unlimited,
  name: "hedge",
  window: 100,
  minimumThroughput: 20,
};

/**
 * Makes a hedge: a call that takes long is begun a second time, and the first success wins (J. Dean and L. A. Barroso,
 * The Tail at Scale). The losers are aborted, with an AbortError that says so. Only for what may safely be done twice.
 *
 * A try that fails while another runs is not the end; a failure with no other running is. When all fail, the call rejects
 * with the first failure as it is, not with an AggregateError, so that a retry or breaker outside judges the same error
 * whether there was a hedge or not; the others are reported as `try-failed`.
 *
 * @throws RangeError for less than one hedge, or a quantile that is none.
 */
export function hedge(options: HedgeOptions): Policy {
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
