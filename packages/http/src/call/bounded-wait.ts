import { DeadlineExceededError, startTimer, type Clock } from "@holdfast/policy";
import { AttemptTimeoutError } from "../errors/transport-errors.ts";
import type { Timeouts } from "../transport/timeouts.ts";

/** What ends the wait for a function of the caller's. */
export interface CallBounds {
  /** The session's. */
  readonly clock: Clock;
  /** Aborted when the session is closed, with what is thrown then. */
  readonly closed: AbortSignal;
  readonly signal: AbortSignal | undefined;
  /** The instant on the clock by which the whole call must have ended. */
  readonly deadline: number;
  readonly timeouts: Timeouts;
}

/** What is waited for. */
export interface Awaited {
  /** What it is, for a person: `"auth"`. */
  readonly what: string;
  /** Where it is a part of an attempt, whose limit holds too: the host, and whether the request may have got there. */
  readonly attempt?: { readonly target: string; readonly mayHaveArrived: boolean };
}

const overdue = new WeakSet<object>();

/** Whether an error says that a function of the caller's took too long. */
export function isOverdue(error: unknown): boolean {
  return typeof error === "object" && error !== null && overdue.has(error);
}

/** Whether an error is what ended such a wait, and not what was waited for. */
export function endedBy(error: unknown, bounds: CallBounds | undefined): boolean {
  if (isOverdue(error)) return true;
  return [bounds?.signal, bounds?.closed].some(
    (signal) => signal?.aborted === true && error === signal.reason,
  );
}

/** Whether a function of the caller's gave a promise. */
export function isPending<T>(given: T | PromiseLike<T>): given is PromiseLike<T> {
  return typeof given === "object" && given !== null && "then" in given && typeof given.then === "function";
}

/**
 * Waits for what a function of the caller's gives, for no longer than the call may last: the platform cannot end the
 * function, but it need not be waited for. An attempt's limit holds for each function by itself.
 *
 * @throws DeadlineExceededError, AttemptTimeoutError; the signal's reason, or that of the closed session; what the promise
 * rejects with.
 */
export function outwait<T>(
  given: PromiseLike<T>,
  bounds: CallBounds | undefined,
  awaited: Awaited,
): Promise<T> {
  if (bounds === undefined) return Promise.resolve(given);
  return new Promise((resolve, reject) => {
    const fail = (reason: unknown): void => {
      release();
      reject(reason);
    };
    const release = boundedBy(bounds, awaited, fail);
    given.then((value) => {
      release();
      resolve(value);
    }, fail);
  });
}

/** Calls `end` when the first of the bounds is met, unless what it gives back is called before. */
function boundedBy(bounds: CallBounds, awaited: Awaited, end: (reason: unknown) => void): () => void {
  const { clock, closed, signal, deadline, timeouts } = bounds;
  const attempt = awaited.attempt === undefined ? Infinity : timeouts.attempt;
  const left = deadline - clock.now();
  const late = (): void => end(left <= attempt ? pastDeadline(bounds, awaited) : pastLimit(bounds, awaited));
  const stops = [
    startTimer(clock, Math.min(left, attempt), late),
    onAbort(signal, end),
    onAbort(closed, end),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

function pastDeadline({ timeouts }: CallBounds, { what }: Awaited): Error {
  return noted(new DeadlineExceededError(timeouts.total, { cause: waitedFor(what) }));
}

function pastLimit({ timeouts }: CallBounds, { what, attempt }: Awaited): Error {
  const { target = "", mayHaveArrived = false } = attempt ?? {};
  const phase = mayHaveArrived ? "body" : "connect";
  return noted(
    new AttemptTimeoutError(target, timeouts.attempt, { phase, mayHaveArrived, cause: waitedFor(what) }),
  );
}

function waitedFor(what: string): Error {
  return new Error(`The call waited for ${what}, which had not settled`);
}

function noted(error: Error): Error {
  overdue.add(error);
  return error;
}

/** Says so when a signal is aborted; a promise that is settled by now comes first all the same. */
function onAbort(signal: AbortSignal | undefined, run: (reason: unknown) => void): () => void {
  if (signal === undefined) return () => undefined;
  const abort = (): void => run(signal.reason);
  if (signal.aborted) queueMicrotask(() => queueMicrotask(abort));
  else signal.addEventListener("abort", abort, { once: true });
  return () => signal.removeEventListener("abort", abort);
}
