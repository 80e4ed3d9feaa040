import { retry, type Attempt, type RetryBudget, type RetryPolicy } from "@holdfast/policy";
import type { Call } from "./call.ts";
import type { HttpResponse } from "../model/response.ts";

/** One attempt as the loop sees it: what came back, and the call it belongs to. */
export interface AttemptResult {
  readonly call: Call;
  readonly response?: HttpResponse;
  readonly error?: unknown;
}

/** Makes the policy that all calls of a session go through: the one loop, asked HTTP's three questions. */
export function callPolicy(budget: RetryBudget): RetryPolicy<AttemptResult> {
  return retry<AttemptResult>({
    when: Object.assign((attempt: Attempt<AttemptResult>) => attemptResult(attempt).call.judge(attempt), {
      accepts,
    }),
    wait: (attempt, random) => attemptResult(attempt).call.delay(attempt, random),
    stop: (attempt) => attemptResult(attempt).call.exhausted,
    beforeSleep: (attempt, delay) => attemptResult(attempt).call.goOn(attempt, delay),
    retryErrorCallback: (attempt, reason) => attemptResult(attempt).call.giveUp(attempt, reason),
    budget,
    name: "session",
  });
}

// The fast path: a good answer needs no judgement, unless the caller's own rules have a say.
function accepts({ call, response }: AttemptResult): boolean {
  return response !== undefined && response.status < 400 && !call.asks(response);
}

/** The exchange of an attempt that was not aborted. */
export function attemptResult(attempt: Attempt<AttemptResult>): AttemptResult {
  if (attempt.outcome.ok) return attempt.outcome.value;
  throw attempt.outcome.error;
}
