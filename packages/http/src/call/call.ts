import { discardBody } from "../model/streamed-response.ts";
import {
  HoldfastError,
  RetryError,
  type Attempt,
  type Clock,
  type GiveUpReason,
  type Scope,
} from "@holdfast/policy";
import type { DiscardedExchange } from "../adapter/adapter.ts";
import type { AttemptRecord, DiscardedResponse } from "../model/attempt-record.ts";
import { attemptResult, type AttemptResult } from "./retry-policy.ts";
import { publishRetry } from "../telemetry/diagnostics.ts";
import { applyResponse } from "./send-attempt.ts";
import { BodyNotReplayableError, DeferredError } from "../errors/transport-errors.ts";
import { attachCallInfo } from "../telemetry/call-failure.ts";
import { Sending } from "./attempt-sender.ts";
import { runErrorHooks, runHooks } from "./run-hooks.ts";
import type { InterruptedBody, BodyContinuation } from "../model/body-stream.ts";
import { continuesWithoutBody } from "./unread-body.ts";
import { isOverdue, waitWithinBounds } from "./call-bounds.ts";
import { proxyClock, type ProxyClock } from "./proxy-clock.ts";
import { type HttpResponse, attachCall, markRequestKeyed, setVerdict } from "../model/response.ts";
import { takeResumableBody } from "../resume/buffered.ts";
import { bodyGivenOut } from "./broken-stream.ts";
import { UnresumableBodyError } from "../resume/resume-errors.ts";
import { decide, serverDelayJitter, type Decision, type AttemptFacts } from "../retry/decide.ts";
import { readRefusalHint } from "../pacing/limit-signal.ts";
import { errorVerdict, quotaVerdict } from "../model/verdict.ts";
import type { ResponseHead } from "../model/trace.ts";

const givenOut: Decision = { again: "no", reason: bodyGivenOut };
const givenUpByDeadline = { decision: "given-up: deadline" } as const;
const success: Decision = { again: "no", reason: "success" };

/** One call of a session: all that its attempts share. */
export class Call extends Sending {
  #decision: Decision = success;
  /** What the call is waiting to repeat. */
  #waitsAfter: AttemptResult | undefined;
  #proxyClock: ProxyClock | undefined;

  /** Sends the request once, when its turn has come; every end but the caller's abort is an exchange, for the rules to judge. */
  send(scope: Scope): Promise<AttemptResult> {
    if (scope.attempt === 1 && this.cut !== undefined)
      return Promise.resolve({ call: this, error: this.cut.error });
    this.begin(scope.clock, scope.attempt);
    const { request } = this.plan;
    return this.sendInTurn(scope).then(
      (response) => {
        const exchange = { call: this, response };
        if (request.idempotencyKey !== undefined) markRequestKeyed(response);
        const company = this.passage?.company ?? this.plan;
        const shown = applyResponse(response, request, company);
        return shown === undefined ? exchange : this.#whenShown(shown, exchange);
      },
      (error: unknown) => {
        this.broken = takeResumableBody(error) ?? this.broken;
        if (scope.signal?.aborted === true || !(error instanceof HoldfastError)) this.comeBack();
        if (scope.signal?.aborted === true) throw scope.signal.reason;
        // A wrong argument is a mistake of the caller's, not an attempt.
        if (!(error instanceof HoldfastError)) throw error;
        return { call: this, error };
      },
    );
  }

  /** Shows an answer that the attempt goes past to all who want to see it; of an identity's cookies nothing is known here. */
  discard(discarded: DiscardedResponse, seen?: DiscardedExchange): Promise<void> | void {
    this.goPast(discarded);
    const { hooks, cookies, proxy } = this.plan;
    const company = { hooks, cookies: typeof proxy === "object" ? undefined : cookies };
    return seen === undefined ? undefined : applyResponse(seen.response, seen.request, company);
  }

  continuesWithoutBody(head: ResponseHead): boolean {
    return continuesWithoutBody(head, { facts: this.#factsOf({ call: this }), auth: this.plan.auth });
  }

  /** Whether the caller's own rules have a say on an answer that would otherwise be a success. */
  asks({ status, verdict }: HttpResponse): boolean {
    const { when, statusForcelist } = this.left;
    const isBlock = this.passage !== undefined && verdict.kind === "blocked";
    return when !== undefined || statusForcelist.has(status) || isBlock;
  }

  /** Again? */
  judge(attempt: Attempt<AttemptResult>): boolean | Promise<boolean> {
    const { error } = attemptResult(attempt);
    if (error instanceof UnresumableBodyError) return this.#heed(givenOut, attempt);
    const decision = decide(this.#factsOf(attemptResult(attempt)));
    return decision instanceof Promise
      ? waitWithinBounds(decision, this.plan.bounds, { name: "retry.when" }).then(
          (made) => this.#heed(made, attempt),
          (error: unknown) => this.#breakOff(error, () => this.note(attempt, givenUpByDeadline)),
        )
      : this.#heed(decision, attempt);
  }

  /** How long? The server's wish is a minimum: chance may only add to it. Another address is asked at once. */
  delay(attempt: Attempt<AttemptResult>, random: () => number): number {
    if (this.#decision.again !== "yes") return 0;
    const { minimum, source, retry: left } = this.#decision;
    const asked = minimum > 0 ? minimum + serverDelayJitter(minimum, left) * random() : 0;
    const backOff =
      source === "back-off" ? left.getBackoffTime(random, { ...attempt, number: this.nextNumber }) : 0;
    this.#proxyClock?.expect({ minimum, source, backOff });
    return Math.max(asked, backOff);
  }

  /** A clock by which the call waits for its next attempt: no longer than until a proxy is fit, where it waits for one. */
  clockFor(clock: Clock): Clock {
    const { request, proxy: route } = this.plan;
    if (typeof route !== "object") return clock;
    const sooner = (delay: number): void => void this.revise({ delay, delaySource: "proxy" });
    return (this.#proxyClock = proxyClock(clock, { request, route, sooner }));
  }

  /** Stop? */
  get exhausted(): boolean {
    return this.#decision.again === "exhausted" || this.plan.drain?.aborted === true;
  }

  /** Gives back the last exchange of a call whose wait was ended, because the caller waits for nothing more. */
  cutShort(): AttemptResult | undefined {
    const record = this.revise({ decision: "given-up: drain" });
    if (this.#decision.again === "yes" && this.#decision.minimum > 0 && record?.delay !== undefined) {
      this.retryAt = record.startedAt + record.elapsed + record.delay;
    }
    return this.#waitsAfter;
  }

  /** Takes note that another attempt will be made. */
  async goOn(attempt: Attempt<AttemptResult>, delay: number): Promise<void> {
    if (this.#decision.again !== "yes") return;
    this.left = this.#decision.retry;
    this.#waitsAfter = attemptResult(attempt);
    this.hear(attemptResult(attempt).response, delay);
    this.comeBack();
    const { response } = attemptResult(attempt);
    if (response !== undefined) void discardBody(response);
    const { source, minimum } = this.#decision;
    const ending = { decision: "retried", delay, ...requestedDelay(minimum), delaySource: source };
    const record = this.note(attempt, ending);
    publishRetry(record);
    try {
      await runHooks(this.hooks.retry, (hook) => hook(record, this.request), {
        name: "a retry hook",
        bounds: this.plan.bounds,
      });
    } catch (error) {
      this.#breakOff(error, () => this.revise(givenUpByDeadline));
    }
  }

  /** Takes note that no other attempt will be made, and gives back what there is. */
  giveUp(attempt: Attempt<AttemptResult>, reason: GiveUpReason): AttemptResult {
    const decision = this.#decision;
    if (decision.again === "exhausted") this.retryAt = decision.retryAt;
    if (decision.again === "yes" && decision.minimum > 0) this.retryAt = this.clock.date() + decision.minimum;
    this.note(attempt, {
      decision: decision.again === "exhausted" ? decision.reason : `given-up: ${reason}`,
      ...requestedDelay(patienceFor(decision)),
    });
    this.hear(attemptResult(attempt).response);
    return attemptResult(attempt);
  }

  /**
   * What the caller gets of the last exchange. The end of a redirect is told when it is known whether it is followed.
   *
   * @throws its error, with the story of the call; RetryError for a status that outlived its retries, where `raiseOnStatus` asks for it.
   */
  finish(exchange: AttemptResult): HttpResponse {
    const { response } = exchange;
    this.end(response);
    if (response !== undefined && response.status < 400) this.wasAccepted(response);
    this.comeBack();
    this.broken = undefined;
    const failure = this.#failureIn(exchange);
    if (failure !== undefined || !this.mayBeFollowed(response)) this.tellEnd();
    if (failure !== undefined || response === undefined) throw failure;
    attachCall(response, this);
    return response;
  }

  /** What is thrown in place of the answer; undefined where that is given back. */
  #failureIn(exchange: AttemptResult): unknown {
    const { response, error } = exchange;
    if (this.#isDeferred) return this.#deferred(exchange);
    if (response === undefined) {
      const final = this.#bodyIsGone ? new BodyNotReplayableError({ cause: error }) : error;
      return attachCallInfo(final, { ...this.story, verdict: errorVerdict(error) });
    }
    const refused = this.#decision.again === "exhausted" ? this.#decision.cause : undefined;
    return refused instanceof RetryError && this.left.raiseOnStatus
      ? attachCallInfo(refused, { ...this.story, verdict: response.verdict, response })
      : undefined;
  }

  /**
   * Goes on for the rest of a body that broke off after it was given out, as the rules allow; gives the error with the
   * story of the call where there is no going on.
   */
  async continueBody(first: HttpResponse, broke: InterruptedBody): Promise<BodyContinuation> {
    const { error } = broke;
    this.#reportBrokenBody(error);
    if (!(error instanceof HoldfastError) || !this.reopen(error)) return this.#fail(error);
    const sequel = (await this.plan.live?.goOn(this, first, broke)) ?? { error };
    return "source" in sequel ? sequel : this.#fail(sequel.error);
  }

  #reportBrokenBody(error: unknown): void {
    const { proxy: route } = this.plan;
    if (typeof route === "object" && this.passage !== undefined)
      void route.provider.report(this.passage.lease, { error, requestedDelay: () => undefined });
  }

  async #fail(error: unknown): Promise<BodyContinuation> {
    this.noteCut();
    if (!(error instanceof HoldfastError)) return { error: await this.#tell(error) };
    this.tellEnd();
    return {
      error: await this.#tell(attachCallInfo(error, { ...this.story, verdict: errorVerdict(error) })),
    };
  }

  async #tell(error: unknown): Promise<unknown> {
    const { bounds } = this.plan;
    await runErrorHooks({ hooks: this.hooks.error, request: this.request, bounds }, error);
    return error;
  }

  /** Waits until the hooks have seen an answer; those that take too long are a failure of the attempt. */
  #whenShown(shown: Promise<void>, exchange: AttemptResult): Promise<AttemptResult> {
    return shown.then(
      () => exchange,
      (error: unknown) => {
        if (isOverdue(error)) return { call: this, error };
        this.comeBack();
        throw error;
      },
    );
  }

  /** Ends the call because a function of the caller's failed between two attempts, or took longer than the call may. */
  #breakOff(error: unknown, noteDeadline: () => void): never {
    this.comeBack();
    if (!isOverdue(error)) throw error;
    noteDeadline();
    this.end(undefined);
    this.tellEnd();
    throw attachCallInfo(error, { ...this.story, verdict: errorVerdict(error) });
  }

  #factsOf({ response, error }: AttemptResult): AttemptFacts {
    return {
      request: this.plan.request,
      retry: this.left,
      response,
      error,
      previousVerdicts: this.verdicts,
      now: this.clock.date(),
      proxy: this.passage?.lease.availability(),
    };
  }

  /** Takes note of when the server wants to be asked again, by somebody who may; and of a limit that no waiting lifts. */
  #hearRefusal(response: HttpResponse): void {
    const now = this.clock.date();
    const word = readRefusalHint(response, this.left, now);
    if (word?.kind === "quota") setVerdict(response, quotaVerdict(response.status));
    else if (word?.delay !== undefined && word.delay > 0 && this.left.respectRetryAfterHeader)
      this.retryAt = now + word.delay;
  }

  /** Whether the server named a time that is too late for the call, and the rule leaves it to somebody else to wait. */
  get #isDeferred(): boolean {
    // What may not be sent again is nobody's to keep.
    const waits = this.left.onLongRetryAfter === "defer" && this.#decision.again !== "no";
    return waits && this.retryAt !== undefined && this.plan.drain?.aborted !== true;
  }

  #deferred({ response, error }: AttemptResult): unknown {
    const verdict = response?.verdict ?? errorVerdict(error);
    const deferred = new DeferredError(this.retryAt ?? 0, { cause: error });
    return attachCallInfo(deferred, { ...this.story, verdict, ...(response !== undefined && { response }) });
  }

  get #bodyIsGone(): boolean {
    return this.#decision.again === "no" && this.#decision.reason.endsWith("body-not-replayable");
  }

  #heed(decision: Decision, attempt: Attempt<AttemptResult>): boolean {
    this.#decision = decision;
    if (decision.again !== "no") return true;
    const { response } = attemptResult(attempt);
    if (response !== undefined) this.#hearRefusal(response);
    this.note(attempt, { decision: decision.reason });
    this.hear(attemptResult(attempt).response);
    return false;
  }
}

function patienceFor(decision: Decision): number {
  if (decision.again === "yes") return decision.minimum;
  return decision.again === "exhausted" ? (decision.requestedDelay ?? 0) : 0;
}

/** What a record says of a wait that was asked for: nothing where none was, or one without end. */
function requestedDelay(asked: number): Pick<AttemptRecord, "requestedDelay"> {
  return asked > 0 && asked < Infinity ? { requestedDelay: asked } : {};
}
