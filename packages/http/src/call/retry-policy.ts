import { retry, type Attempt, type RetryBudget, type RetryPolicy } from "@holdfast/policy";
import type { Call } from "./call.ts";
import type { HttpResponse } from "../model/response.ts";

/** One attempt as the loop sees it: what came back, and the call it belongs to. */
export interface Exchange {
  readonly call: Call;
  readonly response?: HttpResponse;
  readonly error?: unknown;
}

/** Makes the policy that all calls of a session go through: the one loop, asked HTTP's three questions. */
export function callPolicy(budget: RetryBudget): RetryPolicy<Exchange> {
  return retry<Exchange>({
    when: Object.assign((attempt: Attempt<Exchange>) => exchangeOf(attempt).call.judge(attempt), { accepts }),
    wait: (attempt, random) => exchangeOf(attempt).call.delay(attempt, random),
    stop: (attempt) => exchangeOf(attempt).call.exhausted,
    beforeSleep: (attempt, delay) => exchangeOf(attempt).call.goOn(attempt, delay),
    retryErrorCallback: (attempt, reason) => exchangeOf(attempt).call.giveUp(attempt, reason),
    budget,
    name: "session",
  });
}

// The fast path: a good answer needs no judgement, unless the caller's own rules have a say.
function accepts({ call, response }: Exchange): boolean {
  return response !== undefined && response.status < 400 && !call.asks(response);
}

/** The exchange of an attempt that was not aborted. */
export function exchangeOf(attempt: Attempt<Exchange>): Exchange {
  if (attempt.outcome.ok) return attempt.outcome.value;
  throw attempt.outcome.error;
}
