import { HoldfastError, type Attempt, type Clock, type GiveUpReason, type Scope } from "@holdfast/policy";
import type { AttemptObserver, DiscardedExchange } from "../adapter/adapter.ts";
import type { AttemptRecord, DiscardedResponse } from "../model/attempt-record.ts";
import type { BodyContinuation, InterruptedBody } from "../model/body-reader.ts";
import type { PartialBody } from "../model/partial-body.ts";
import { attachCall, markRequestKeyed, setVerdict, type HttpResponse } from "../model/response.ts";
import { discardBody } from "../model/streamed-response.ts";
import type { ResponseHead } from "../model/trace.ts";
import { errorVerdict, quotaVerdict } from "../model/verdict.ts";
import { readLimitSignal, readRefusalHint, hasRemainingHeader } from "../pacing/limit-signal.ts";
import type { Limiter } from "../pacing/limiter.ts";
import type { Limiters, LimitedRequest } from "../pacing/limiters.ts";
import { toRefusal } from "../pacing/refusal.ts";
import { formatProxyForLog } from "../proxy/route/route.ts";
import { resumingAdapter, keepPart, takeResumableBody } from "../resume/buffered.ts";
import { UnresumableBodyError } from "../resume/resume-errors.ts";
import type { Park } from "../retry/park.ts";
import { decideRetry, type AttemptFacts } from "../retry/retry-decision.ts";
import { waitBefore, type RetryDecision } from "../retry/rules.ts";
import type { Retry } from "../retry/retry.ts";
import { attachCallInfo, type Failure } from "../telemetry/call-failure.ts";
import { areRetriesObserved, publishRetry } from "../telemetry/diagnostics.ts";
import { attemptResult, dropResponse, type AttemptResult, type CallRules } from "./attempt.ts";
import { AttemptLog, bodyGivenOut } from "./attempt-log.ts";
import { isOverdue, queueLimits, waitWithinBounds } from "./call-bounds.ts";
import { findCallError } from "./call-error.ts";
import type { CallPlan, CallSuspension } from "./context.ts";
import { proxyClock, type ProxyClock } from "./proxy-clock.ts";
import { runErrorHooks, runHooks } from "./run-hooks.ts";
import { applyResponse, sendAttempt, sendThroughPolicy } from "./send-attempt.ts";
import { sendThroughPool, type PooledAttempt } from "./send-through-pool.ts";
import { continuesWithoutBody } from "./unread-body.ts";

const noLimiters: readonly Limiter[] = [];
const givenUpByDeadline = { decision: "given-up: deadline" } as const;
const successDecision: RetryDecision = { again: "no", reason: "success" };

/** One call to one URL: the state that its attempts share, and the rules between them. */
export class Call extends AttemptLog implements CallRules, LimitedRequest, AttemptObserver {
  readonly #plan: CallPlan;
  /** The retries that remain. */
  retry: Retry;
  #decision: RetryDecision = successDecision;
  /** The result that the call waits to retry. */
  #retriedResult: AttemptResult | undefined;
  /** The received part of a body that broke off within an attempt. */
  #partial: PartialBody | undefined;
  /** The lease of the latest attempt, if it went through a pool. */
  #pooled: PooledAttempt | undefined;
  #proxyClock: ProxyClock | undefined;
  /** The rate limiters that the current attempt has passed, and has to be released from. */
  #limiters = noLimiters;

  constructor(plan: CallPlan) {
    super(plan);
    this.#plan = plan;
    // With a key, the server recognises a repeated request, whatever the method.
    this.retry =
      plan.request.idempotencyKey === undefined ? plan.retry : plan.retry.new({ allowedMethods: null });
  }

  get proxy(): string | undefined {
    const { proxy } = this.#plan;
    return typeof proxy === "string" ? proxy : undefined;
  }

  get proxyLabel(): string | undefined {
    const { proxy } = this.#plan;
    return typeof proxy === "string" ? formatProxyForLog(proxy) : this.#pooled?.lease.label;
  }

  send(scope: Scope): Promise<AttemptResult> {
    if (scope.attempt === 1 && this.brokenAttempt !== undefined)
      return Promise.resolve({ call: this, error: this.brokenAttempt.error });
    this.beginAttempt(scope.clock, scope.attempt);
    const { request, limiters } = this.#plan;
    const sent =
      limiters === undefined || limiters.isEmpty ? this.#sendOnce(scope) : this.#sendPaced(limiters, scope);
    return sent.then(
      (response) => {
        const result = { call: this, response };
        if (request.idempotencyKey !== undefined) markRequestKeyed(response);
        const applied = applyResponse(response, request, this.#pooled?.context ?? this.#plan);
        return applied === undefined ? result : this.#whenApplied(applied, result);
      },
      (error: unknown) => this.#failAttempt(error, scope),
    );
  }

  #failAttempt(error: unknown, { signal }: Scope): AttemptResult {
    this.#partial = keepPart(this.memory, takeResumableBody(error) ?? this.#partial);
    if (signal?.aborted !== true && error instanceof HoldfastError) return { call: this, error };
    this.#releaseLimiters();
    // Any other error is a mistake of the caller, such as a wrong argument, and not a failed attempt.
    throw signal?.aborted === true ? signal.reason : error;
  }

  async #sendPaced(limiters: Limiters, scope: Scope): Promise<HttpResponse> {
    this.#limiters = await limiters.acquire(this, queueLimits(scope, this.retry, this.#plan));
    this.sentAt = this.clock.now();
    return this.#sendOnce(scope);
  }

  #sendOnce(scope: Scope): Promise<HttpResponse> {
    const { request, policy, suspension } = this.#plan;
    if (policy === undefined) return this.#sendByRoute(scope);
    const outer = suspension === undefined ? scope : suspension.policyScope(scope);
    return sendThroughPolicy(policy, { request, scope: outer }, (inner) => this.#sendByRoute(inner));
  }

  #sendByRoute({ signal, deadline }: Scope): Promise<HttpResponse> {
    const { request, timeouts, maxBytes, verifyDigest, proxy, streams, suspension } = this.#plan;
    const context =
      this.#partial === undefined || streams !== undefined
        ? this.#plan
        : { ...this.#plan, adapter: resumingAdapter(this.#plan.adapter, this.#partial) };
    if (typeof proxy !== "object") {
      this.wasSent = true;
      return sendAttempt(request, context, {
        timeouts,
        deadline,
        maxBytes,
        verifyDigest,
        signal,
        proxy,
        observer: this,
      });
    }
    const options = { timeouts, deadline, maxBytes, verifyDigest, signal, observer: this };
    this.#pooled = undefined;
    const { retry, clock } = this;
    const mayWait = suspension === undefined;
    return sendThroughPool({ route: proxy, request, context, options, retry, clock, mayWait }, (pooled) => {
      this.wasSent = true;
      this.#pooled = pooled;
    });
  }

  /** Waits until the hooks have received a response. A hook that takes too long fails the attempt. */
  #whenApplied(applied: Promise<void>, result: AttemptResult): Promise<AttemptResult> {
    return applied.then(
      () => result,
      (error: unknown) => {
        if (isOverdue(error)) return { call: this, error };
        this.#releaseLimiters();
        throw error;
      },
    );
  }

  /** Records a response that the attempt discards, and applies its cookies; those of a proxy identity are unknown here. */
  discard(discarded: DiscardedResponse, exchange?: DiscardedExchange): Promise<void> | void {
    this.skipReply(discarded);
    const { hooks, cookies, proxy } = this.#plan;
    const context = { hooks, cookies: typeof proxy === "object" ? undefined : cookies };
    return exchange === undefined ? undefined : applyResponse(exchange.response, exchange.request, context);
  }

  continuesWithoutBody(head: ResponseHead): boolean {
    return continuesWithoutBody(head, { facts: this.#collectFacts({ call: this }), auth: this.#plan.auth });
  }

  needsJudgement(response: HttpResponse): boolean {
    const { when, statusForcelist } = this.retry;
    const isBlock = this.#pooled !== undefined && response.verdict.kind === "blocked";
    return when !== undefined || statusForcelist.has(response.status) || isBlock;
  }

  shouldRetry(attempt: Attempt<AttemptResult>): boolean | Promise<boolean> {
    const { error } = attemptResult(attempt);
    if (error instanceof UnresumableBodyError)
      return this.#apply({ again: "no", reason: bodyGivenOut }, attempt);
    const decision = decideRetry(this.#collectFacts(attemptResult(attempt)));
    return decision instanceof Promise
      ? waitWithinBounds(decision, this.#plan.bounds, { name: "retry.when" }).then(
          (made) => this.#apply(made, attempt),
          (failed: unknown) => this.#abandon(failed, () => this.recordAttempt(attempt, givenUpByDeadline)),
        )
      : this.#apply(decision, attempt);
  }

  /** The delay that the server names is a minimum, to which chance only adds. Another proxy is tried immediately. */
  retryDelay(attempt: Attempt<AttemptResult>, random: () => number): number {
    if (this.#decision.again !== "yes") return 0;
    const { minimum, source } = this.#decision;
    const counted = { ...attempt, number: this.countedAttempts + 1 };
    const { delay, backOff } = waitBefore(this.#decision, counted, random);
    this.#proxyClock?.expect({ minimum, source, backOff });
    return delay;
  }

  /** Through a pool, the clock ends the wait for a proxy as soon as one is available. */
  clockFor(clock: Clock): Clock {
    const { request, proxy: route } = this.#plan;
    if (typeof route !== "object") return clock;
    const onEarlyEnd = (delay: number): void => void this.reviseLast({ delay, delaySource: "proxy" });
    return (this.#proxyClock = proxyClock(clock, { request, route, onEarlyEnd }));
  }

  get isExhausted(): boolean {
    const { drain, suspension } = this.#plan;
    return this.#decision.again === "exhausted" || (drain?.aborted === true && suspension === undefined);
  }

  drained(): AttemptResult | undefined {
    const waitUntil = this.reviseLast({ decision: "given-up: drain" });
    if (this.#decision.again === "yes" && this.#decision.minimum > 0 && waitUntil !== undefined)
      this.retryAt = waitUntil;
    return this.#retriedResult;
  }

  beforeRetry(attempt: Attempt<AttemptResult>, delay: number): Promise<void> | void {
    if (this.#decision.again !== "yes") return undefined;
    const { source, minimum } = this.#decision;
    const result = attemptResult(attempt);
    this.retry = this.#decision.retry;
    this.#reportLimit(result.response, delay);
    this.#releaseLimiters();
    if (result.response !== undefined) {
      void discardBody(result.response);
      this.memory?.keep(0);
    }
    this.recordAttempt(attempt, {
      decision: "retried",
      delay,
      ...requestedDelay(minimum),
      delaySource: source,
    });
    if (this.#plan.drain !== undefined) this.#retriedResult = result;
    else dropResponse(result);
    return areRetriesObserved(this) ? this.#runRetryHooks() : undefined;
  }

  async #runRetryHooks(): Promise<void> {
    const record = this.lastRecord;
    if (record === undefined) return;
    publishRetry(record);
    try {
      await runHooks(this.hooks.retry, (hook) => hook(record, this.request), {
        name: "a retry hook",
        bounds: this.#plan.bounds,
      });
    } catch (error) {
      this.#abandon(error, () => this.reviseLast(givenUpByDeadline));
    }
  }

  giveUp(attempt: Attempt<AttemptResult>, reason: GiveUpReason): AttemptResult {
    const decision = this.#decision;
    if (decision.again === "exhausted") this.retryAt = decision.retryAt;
    if (decision.again === "yes" && decision.minimum > 0) this.retryAt = this.clock.date() + decision.minimum;
    this.recordAttempt(attempt, {
      decision: decision.again === "exhausted" ? decision.reason : `given-up: ${reason}`,
      ...requestedDelay(findRequestedDelay(decision)),
    });
    this.#reportLimit(attemptResult(attempt).response);
    return attemptResult(attempt);
  }

  /** Stores the decision after an attempt; returns whether the loop continues with the delay. */
  #apply(decision: RetryDecision, attempt: Attempt<AttemptResult>): boolean | Promise<never> {
    this.#decision = decision;
    const { suspension } = this.#plan;
    if (suspension !== undefined) {
      const park = suspension.findPark(this.#collectFacts(attemptResult(attempt)), decision);
      if (park !== undefined) return this.#park(attempt, suspension, park);
    }
    if (decision.again !== "no") return true;
    const { response } = attemptResult(attempt);
    if (response !== undefined) this.#applyRefusal(response);
    this.recordAttempt(attempt, { decision: decision.reason });
    this.#reportLimit(response);
    return false;
  }

  /** Ends the call in place of a wait. The next call for the request continues with its retries. */
  async #park(attempt: Attempt<AttemptResult>, suspension: CallSuspension, park: Park): Promise<never> {
    const now = this.clock.date();
    const minimum = park.until - now;
    if (park.wasSent) {
      this.#decision = { again: "yes", retry: park.retry, minimum, source: park.source };
      await this.beforeRetry(attempt, minimum);
    } else this.#releaseLimiters();
    const turn = this.#plan.limiters?.nextTurn(this, now);
    suspension.park(park, { attempt, turn });
  }

  /** Ends the call because a function of the caller failed between two attempts, or took longer than the call may. */
  #abandon(error: unknown, recordDeadline: () => void): never {
    this.#releaseLimiters();
    if (!isOverdue(error)) throw error;
    recordDeadline();
    this.endCall(undefined);
    this.reportEnd();
    throw attachCallInfo(error, { ...this.failure, verdict: errorVerdict(error) });
  }

  #collectFacts({ response, error }: AttemptResult): AttemptFacts & Pick<CallPlan, "request"> {
    return {
      request: this.#plan.request,
      retry: this.retry,
      waitForCircuit: this.#plan.waitForCircuit,
      response,
      error,
      previousVerdicts: this.verdicts,
      now: this.clock.date(),
      proxy: this.#pooled?.lease.availability(),
    };
  }

  /** Releases the limiters of the attempt, after they have received its result. */
  #releaseLimiters(): void {
    for (const limiter of this.#limiters) limiter.release();
    this.#limiters = noLimiters;
  }

  #reportAccepted(response: HttpResponse): void {
    const { limiters } = this.#plan;
    const hasRemaining = hasRemainingHeader(response);
    if (hasRemaining) limiters?.recordRemaining(this, response, this.clock.date());
    limiters?.recordAccepted(this, this.sentAt, this.endedAt);
    if (hasRemaining) this.#reportLimit(response);
  }

  /** Passes the limit that a response names on to later requests; `delay` is the wait that follows in any case. */
  #reportLimit(response: HttpResponse | undefined, delay = 0): void {
    const { limiters } = this.#plan;
    if (limiters === undefined || response === undefined) return;
    const signal = readLimitSignal(response, this.retry, this.clock.date());
    if (signal === undefined) return;
    const { request, proxy, sentAt } = this;
    const refusal = this.#plan.isFetch ? toRefusal(response) : undefined;
    limiters.recordLimit({ ...signal, request, proxy, sentAt, delay, refusal });
  }

  /** Stores the time that the server names for a request that is not retried, or that its quota is used up. */
  #applyRefusal(response: HttpResponse): void {
    const now = this.clock.date();
    const hint = readRefusalHint(response, this.retry, now);
    if (hint?.kind === "quota") setVerdict(response, quotaVerdict(response.status));
    else if (hint?.delay !== undefined && hint.delay > 0 && this.retry.respectRetryAfterHeader)
      this.retryAt = now + hint.delay;
  }

  /**
   * Returns the response of the last attempt. The end of a redirect is reported later, when it is known whether the
   * redirect is followed.
   *
   * @throws the error of the last attempt, with the properties of `Failure`; RetryError for a status that remained after
   * the last retry, if `raiseOnStatus` is set; StatusError, if `throwOnStatus` is set; DeferredError.
   */
  finish(result: AttemptResult): HttpResponse {
    const { response } = result;
    this.endCall(response);
    if (response !== undefined && response.status < 400) this.#reportAccepted(response);
    this.#releaseLimiters();
    this.#partial = undefined;
    const failure = this.#findFailure(result);
    if (failure !== undefined || !this.mayBeFollowed(response)) this.reportEnd();
    if (failure !== undefined || response === undefined) throw failure;
    attachCall(response, this);
    return response;
  }

  /** Returns the error to throw in place of the response; undefined to return the response. */
  #findFailure(result: AttemptResult): unknown {
    const { response } = result;
    const decision = this.#decision;
    const { throwOnStatus, drain } = this.#plan;
    const isFinal = response !== undefined && decision.again === "no";
    // Hot path: most responses are returned.
    if (isFinal && !(throwOnStatus && response.status >= 400)) return undefined;
    // A StatusError reads the attempts of its response.
    if (response !== undefined) attachCall(response, this);
    const { retry, retryAt } = this;
    const failure = (): Omit<Failure, "verdict"> => this.failure;
    return findCallError(result, { decision, retry, retryAt, failure, drain, throwOnStatus });
  }

  /** Continues a body that broke off after its response was returned, or returns the error with the properties of `Failure`. */
  async continueBody(first: HttpResponse, broke: InterruptedBody): Promise<BodyContinuation> {
    const { error } = broke;
    const { proxy: route } = this.#plan;
    if (typeof route === "object" && this.#pooled !== undefined)
      void route.provider.report(this.#pooled.lease, { error, requestedDelay: () => undefined });
    if (!(error instanceof HoldfastError) || !this.reopenLast(error)) return this.#failBody(error);
    const continuation = (await this.#plan.streams?.continueBody(this, first, broke)) ?? { error };
    return "source" in continuation ? continuation : this.#failBody(continuation.error);
  }

  async #failBody(error: unknown): Promise<BodyContinuation> {
    this.recordBrokenAttempt();
    if (error instanceof HoldfastError) {
      this.reportEnd();
      attachCallInfo(error, { ...this.failure, verdict: errorVerdict(error) });
    }
    const { bounds } = this.#plan;
    await runErrorHooks({ hooks: this.hooks.error, request: this.request, bounds }, error);
    return { error };
  }
}

/** Returns how long the server asked to wait, in milliseconds; 0 where it did not ask. */
function findRequestedDelay(decision: RetryDecision): number {
  if (decision.again === "yes") return decision.minimum;
  return decision.again === "exhausted" ? (decision.requestedDelay ?? 0) : 0;
}

/** Returns the record's property of a requested wait; none for a wait without end. */
function requestedDelay(delay: number): Pick<AttemptRecord, "requestedDelay"> {
  return delay > 0 && delay < Infinity ? { requestedDelay: delay } : {};
}
