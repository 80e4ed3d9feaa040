import { systemRandom, type Random } from "../clock/random.ts";
import { systemClock, type Clock } from "../clock/clock.ts";
import type { Listener } from "./events.ts";

/** The settings of one call of a policy. All are optional. */
export interface Context {
  /** Ends the call when aborted. The call throws the signal's reason unchanged and does not retry it. */
  readonly signal?: AbortSignal | undefined;
  /** Source of time and timers. @default systemClock */
  readonly clock?: Clock;
  /** Source of random numbers, for waits with jitter. @default systemRandom */
  readonly random?: Random;
  /** Time of `clock.now()` by which the call must end. @default Infinity */
  readonly deadline?: number;
  /** Receives every event of this call. */
  readonly on?: Listener | undefined;
}

/** The argument of a task: a context with all defaults filled in, and the number of the attempt. */
export interface Scope extends Context {
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly deadline: number;
  readonly on: Listener | undefined;
  /** 1 for the first attempt, and without a retry. */
  readonly attempt: number;
}

/** Creates the scope of attempt number `attempt` from a context. */
export function toScope(context: Context | undefined, attempt: number): Scope {
  if (context === undefined) {
    return {
      signal: undefined,
      clock: systemClock,
      random: systemRandom,
      deadline: Infinity,
      on: undefined,
      attempt,
    };
  }
  return {
    signal: context.signal,
    clock: context.clock ?? systemClock,
    random: context.random ?? systemRandom,
    deadline: context.deadline ?? Infinity,
    on: context.on,
    attempt,
  };
}

/**
 * Returns the scope for a policy that runs its task once. The scope of an outer policy is returned unchanged: reading its
 * `signal` would build an AbortController that the task may not need.
 *
 * @throws the reason of a signal that is already aborted.
 */
export function enterScope(context: Context | undefined): Scope {
  if (isScope(context)) return context;
  if (context?.signal?.aborted === true) throw context.signal.reason;
  return toScope(context, 1);
}

/** Returns the scope of a first attempt. A scope that already is one is not copied. */
export function toFirstScope(context: Context): Scope {
  return isScope(context) && context.attempt === 1 ? context : toScope(context, 1);
}

function isScope(context: Context | undefined): context is Scope {
  return (
    context !== undefined &&
    "attempt" in context &&
    context.clock !== undefined &&
    context.random !== undefined &&
    context.deadline !== undefined
  );
}
