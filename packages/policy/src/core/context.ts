import { systemRandom, type Random } from "../clock/random.ts";
import { systemClock, type Clock } from "../clock/clock.ts";
import type { Listener } from "./events.ts";

/** What a caller may hand to one call of a policy; everything has a default. */
export interface Context {
  /** Ends the call: its reason is thrown as it is and never retried. */
  readonly signal?: AbortSignal | undefined;
  /** @default systemClock */
  readonly clock?: Clock;
  /** @default Math.random */
  readonly random?: Random;
  /** The instant on `clock.now()` by which the call must have ended. @default Infinity */
  readonly deadline?: number;
  /** Hears every event of this call. */
  readonly on?: Listener | undefined;
}

/** What a task and the policies inside it are told: the context with nothing missing, and the number of the attempt. */
export interface Scope extends Context {
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly deadline: number;
  readonly on: Listener | undefined;
  /** 1-based, the first included; 1 where nothing retries. */
  readonly attempt: number;
}

/** Fills in the defaults of a context, for its attempt number `attempt`. */
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
 * The scope for a policy that runs its task once: an outer policy's as it is, so that nothing in it is read, and built,
 * before somebody needs it.
 *
 * @throws the reason of a caller's signal that is aborted already.
 */
export function enterScope(context: Context | undefined): Scope {
  if (isScope(context)) return context;
  if (context?.signal?.aborted === true) throw context.signal.reason;
  return toScope(context, 1);
}

/** The scope of a first attempt: a complete one of a first attempt as it is, which spares a copy. */
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
