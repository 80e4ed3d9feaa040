import { DeadlineExceededError, RetryError } from "@holdfast/policy";
import { BodyNotReplayableError, DeferredError } from "../errors/transport-errors.ts";
import { StatusError, type HttpResponse } from "../model/response.ts";
import { errorVerdict } from "../model/verdict.ts";
import type { RetryDecision } from "../retry/rules.ts";
import type { Retry } from "../retry/retry.ts";
import { attachCallInfo, describeCall, showCaller, type Failure } from "../telemetry/call-failure.ts";
import type { AttemptResult } from "./attempt.ts";

/** How a call ended. */
interface CallEnd {
  /** The decision after the last attempt. */
  readonly decision: RetryDecision;
  readonly retry: Retry;
  /** The time that the server named for the next request. */
  readonly retryAt: number | undefined;
  /** Returns the properties that an error of the call carries. To build them takes longer than the attempt. */
  readonly failure: () => Omit<Failure, "verdict">;
  readonly drain: AbortSignal | undefined;
  readonly throwOnStatus: boolean;
}

/**
 * Returns the error that a call throws in place of its last response, with the properties of `Failure`; undefined to return
 * the response.
 */
export function findCallError(result: AttemptResult, end: CallEnd): unknown {
  const { response, error } = result;
  if (isDeferred(end))
    return withCallInfo(new DeferredError(end.retryAt ?? 0, { cause: error }), result, end);
  if (response === undefined) return withCallInfo(finalError(error, end.decision), result, end);
  const refused = findStatusError(response, end);
  return refused === undefined ? undefined : withCallInfo(refused, result, end);
}

function findStatusError(
  response: HttpResponse,
  { decision, retry, throwOnStatus }: CallEnd,
): Error | undefined {
  if (throwOnStatus && response.status >= 400) return new StatusError(response);
  const refused = decision.again === "exhausted" ? decision.cause : undefined;
  return refused instanceof RetryError && retry.raiseOnStatus ? refused : undefined;
}

function withCallInfo(thrown: unknown, { response, error }: AttemptResult, { failure }: CallEnd): unknown {
  const verdict = response?.verdict ?? errorVerdict(error);
  const story = failure();
  if (response === undefined) describeCall(thrown, story);
  else showCaller(thrown);
  return attachCallInfo(thrown, { ...story, verdict, ...(response !== undefined && { response }) });
}

function finalError(error: unknown, decision: RetryDecision): unknown {
  const isFinal = error instanceof BodyNotReplayableError || error instanceof DeadlineExceededError;
  return isBodyGone(decision) && !isFinal ? new BodyNotReplayableError({ cause: error }) : error;
}

/** Whether the server named a time that is too late for the call, and `onLongRetryAfter` defers the request. */
function isDeferred({ decision, retry, retryAt, drain }: CallEnd): boolean {
  // A request that may not be repeated cannot be deferred either.
  const mayDefer = retry.onLongRetryAfter === "defer" && decision.again !== "no";
  return mayDefer && retryAt !== undefined && drain?.aborted !== true;
}

function isBodyGone(decision: RetryDecision): boolean {
  return decision.again === "no" && decision.reason.endsWith("body-not-replayable");
}
