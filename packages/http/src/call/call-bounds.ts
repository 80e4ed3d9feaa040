import { DeadlineExceededError, type Clock, type Scope } from "@holdfast/policy";
import { AttemptTimeoutError } from "../errors/transport-errors.ts";
import type { AcquireLimits } from "../pacing/limiter.ts";
import type { Retry } from "../retry/retry.ts";
import { waitBounded } from "../support/bounded-wait.ts";
import type { Timeouts } from "../transport/timeouts.ts";

/** The limits of one call. They also end the wait for a function of the caller, such as a hook. */
export interface CallBounds {
  /** The clock of the session. */
  readonly clock: Clock;
  /** Aborted when the session is closed, with the SessionClosedError as its reason. */
  readonly closed: AbortSignal;
  readonly signal: AbortSignal | undefined;
  /** The instant on the clock at which the call must have ended. */
  readonly deadline: number;
  readonly timeouts: Timeouts;
}

/** A function of the caller that the call waits for. */
export interface CallerFunction {
  /** Its name in error messages, such as `"auth"`. */
  readonly name: string;
  /** The attempt of the wait, with a limit that also applies: the host, and whether the request may have arrived there. */
  readonly attempt?: { readonly target: string; readonly mayHaveArrived: boolean };
}

/** How a call waits. */
interface Waiting {
  readonly isFetch: boolean;
  readonly drain: AbortSignal | undefined;
  readonly suspension: object | undefined;
}

/** Returns the limits of the wait for a rate limit. For a fetch, the whole wait is bounded, and not only the pause of the limit. */
export function queueLimits(
  { clock, deadline, signal }: Pick<Scope, "clock" | "deadline" | "signal">,
  { onLongRetryAfter, retryAfterMax }: Pick<Retry, "onLongRetryAfter" | "retryAfterMax">,
  { isFetch, drain, suspension }: Waiting,
): AcquireLimits {
  // A suspended call queues for nothing.
  if (suspension !== undefined) return { deadline: clock.now(), longestPause: Infinity, signals: [signal] };
  return {
    deadline: isFetch ? Math.min(deadline, clock.now() + retryAfterMax) : deadline,
    longestPause: onLongRetryAfter === "wait" ? Infinity : retryAfterMax,
    signals: [signal, drain],
  };
}

const overdueErrors = new WeakSet<object>();

/** Whether an error says that a function of the caller took too long. */
export function isOverdue(error: unknown): boolean {
  return typeof error === "object" && error !== null && overdueErrors.has(error);
}

/** Whether the bounds of the call ended the wait, and not the function of the caller. */
export function isWaitEnded(error: unknown, bounds: CallBounds | undefined): boolean {
  if (isOverdue(error)) return true;
  return [bounds?.signal, bounds?.closed].some(
    (signal) => signal?.aborted === true && error === signal.reason,
  );
}

/** Whether a function of the caller returned a promise. */
export function isPromiseLike<T>(returned: T | PromiseLike<T>): returned is PromiseLike<T> {
  return (
    typeof returned === "object" &&
    returned !== null &&
    "then" in returned &&
    typeof returned.then === "function"
  );
}

/**
 * Waits for the promise of a caller's function, for no longer than the call may last. The platform cannot end the
 * function, but the call need not wait for it. The limit of an attempt applies to each function by itself.
 *
 * @throws DeadlineExceededError; AttemptTimeoutError; the reason of the signal or of the closed session; the rejection of
 * the promise.
 */
export function waitWithinBounds<T>(
  promise: PromiseLike<T>,
  bounds: CallBounds | undefined,
  waitedFor: CallerFunction,
): Promise<T> {
  if (bounds === undefined) return Promise.resolve(promise);
  const { clock, closed, signal, deadline, timeouts } = bounds;
  const attemptLimit = waitedFor.attempt === undefined ? Infinity : timeouts.attempt;
  const left = deadline - clock.now();
  return waitBounded(promise, {
    clock,
    limit: Math.min(left, attemptLimit),
    signals: [signal, closed],
    timeoutError: () => overdueError(waitedFor, { timeouts, byDeadline: left <= attemptLimit }),
  });
}

function overdueError(
  { name, attempt }: CallerFunction,
  { timeouts, byDeadline }: { readonly timeouts: Timeouts; readonly byDeadline: boolean },
): Error {
  const cause = new Error(`The call waited for ${name}, which had not settled`);
  const { target = "", mayHaveArrived = false } = attempt ?? {};
  const phase = mayHaveArrived ? "body" : "connect";
  const error = byDeadline
    ? new DeadlineExceededError(timeouts.total, { cause })
    : new AttemptTimeoutError(target, timeouts.attempt, { phase, mayHaveArrived, cause });
  overdueErrors.add(error);
  return error;
}
