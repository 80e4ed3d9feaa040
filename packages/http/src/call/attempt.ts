import type { Attempt, Clock, GiveUpReason, Scope } from "@holdfast/policy";
import type { HttpResponse } from "../model/response.ts";

/** A response, as the loop sees it. */
export interface AnyResponse {
  readonly status: number;
}

/** The result of one attempt: a response or an error, and the call that made the attempt. */
export interface AttemptResult<R extends AnyResponse = HttpResponse> {
  readonly call: CallRules<R>;
  response?: R | undefined;
  readonly error?: unknown;
}

/** One call as the retry loop sees it: it sends attempts, and decides between them. `Call` implements it. */
export interface CallRules<R extends AnyResponse = HttpResponse> {
  /** Makes one attempt. Rejects only for an abort and for mistakes of the caller. */
  send(scope: Scope): Promise<AttemptResult<R>>;
  /** Whether the rules of the caller apply to a response that is otherwise a success. */
  needsJudgement(response: R): boolean;
  shouldRetry(attempt: Attempt<AttemptResult<R>>): boolean | Promise<boolean>;
  /** Returns the wait before the next attempt, in milliseconds. */
  retryDelay(attempt: Attempt<AttemptResult<R>>, random: () => number): number;
  /** Whether no further attempt may follow, though it would be right. */
  readonly isExhausted: boolean;
  /** Called before the wait for another attempt. */
  beforeRetry(attempt: Attempt<AttemptResult<R>>, delay: number): Promise<void> | void;
  /** Called when the loop gives up. Returns the result of the last attempt. */
  giveUp(attempt: Attempt<AttemptResult<R>>, reason: GiveUpReason): AttemptResult<R>;
  /** Returns the clock by which the call waits for its next attempt. */
  clockFor(clock: Clock): Clock;
  /** Called when `drain` ended the wait for the next attempt. Returns the last result, if there is one. */
  drained(): AttemptResult<R> | undefined;
}

/** Returns the result of an attempt that was not aborted. */
export function attemptResult<R extends AnyResponse>(attempt: Attempt<AttemptResult<R>>): AttemptResult<R> {
  if (attempt.outcome.ok) return attempt.outcome.value;
  throw attempt.outcome.error;
}

/** Drops the response of an attempt that nobody looks at again: a call may wait for hours, and many calls at once. */
export function dropResponse(result: { response?: unknown }): void {
  result.response = undefined;
}
