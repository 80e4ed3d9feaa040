import type { Attempt, Random, RetryBudget, RetryRule, Scope } from "@holdfast/policy";
import { runRetry } from "@holdfast/policy/internal";
import { abortableClock } from "../support/bounded-wait.ts";
import type { HttpResponse } from "../model/response.ts";
import { attemptResult, type AnyResponse, type AttemptResult, type CallRules } from "./attempt.ts";
import type { CallContext } from "./context.ts";

interface LoopContext<R extends AnyResponse> extends Pick<
  CallContext,
  "clock" | "signal" | "deadline" | "drain"
> {
  readonly suspension?:
    | {
        run(rule: RetryRule<AttemptResult<R>>, call: CallRules<R>, context: Scope): Promise<AttemptResult<R>>;
      }
    | undefined;
}

/** Makes the attempts of every call of a session. The loop itself is that of the policy package; `CallRules` has the HTTP. */
export class RetryLoop<R extends AnyResponse = HttpResponse> {
  readonly #rule: RetryRule<AttemptResult<R>>;
  readonly #random: Random;

  constructor({ budget, random }: { readonly budget: RetryBudget; readonly random: Random }) {
    this.#rule = httpRetryRule(budget);
    this.#random = random;
  }

  /** Makes as many attempts as the rules of the call allow, and returns the result of the last one. */
  run(
    call: CallRules<R>,
    { clock, signal, deadline, drain, suspension }: LoopContext<R>,
  ): Promise<AttemptResult<R>> {
    const context: Scope = {
      // Hot path: a complete scope, which the policy uses as it is.
      signal,
      deadline,
      clock: call.clockFor(drain === undefined ? clock : abortableClock(clock, drain)),
      random: this.#random,
      on: undefined,
      attempt: 1,
    };
    if (suspension !== undefined) return suspension.run(this.#rule, call, context);
    const result = runRetry(this.#rule, (scope) => call.send(scope), context);
    if (drain === undefined) return result;
    return result.catch((error: unknown) => {
      const last = drain.aborted && error === drain.reason ? call.drained() : undefined;
      if (last === undefined) throw error;
      return last;
    });
  }
}

function httpRetryRule<R extends AnyResponse>(budget: RetryBudget): RetryRule<AttemptResult<R>> {
  return {
    when: Object.assign(
      (attempt: Attempt<AttemptResult<R>>) => attemptResult(attempt).call.shouldRetry(attempt),
      { accepts },
    ),
    wait: (attempt, random) => attemptResult(attempt).call.retryDelay(attempt, random),
    stop: (attempt) => attemptResult(attempt).call.isExhausted,
    beforeSleep: (attempt, delay) => attemptResult(attempt).call.beforeRetry(attempt, delay),
    retryErrorCallback: (attempt, reason) => attemptResult(attempt).call.giveUp(attempt, reason),
    reraise: true,
    waitForCircuit: false,
    enabled: true,
    budget,
    name: "session",
  };
}

// Hot path: a good response needs no decision, unless rules of the caller apply to it.
function accepts<R extends AnyResponse>({ call, response }: AttemptResult<R>): boolean {
  return response !== undefined && response.status < 400 && !call.needsJudgement(response);
}
