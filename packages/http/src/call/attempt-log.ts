import { systemClock, type Attempt, type Clock } from "@holdfast/policy";
import type { AttemptRecord, DiscardedResponse } from "../model/attempt-record.ts";
import { isRedirectStatus } from "../model/redirect-request.ts";
import type { BodyShare } from "../model/body-budget.ts";
import type { HttpRequest } from "../model/request.ts";
import { summarizeRequest, type RequestSummary } from "../model/request-summary.ts";
import type { CallInfo, HttpResponse } from "../model/response.ts";
import type { Observer, Trace } from "../model/trace.ts";
import type { Verdict } from "../model/verdict.ts";
import type { Failure } from "../telemetry/call-failure.ts";
import {
  areAttemptsObserved,
  reportAttempt,
  reportGiveUp,
  type ObservedCall,
} from "../telemetry/diagnostics.ts";
import { toGiveUp, isGivenUp } from "../telemetry/give-up.ts";
import type { Hooks } from "../telemetry/hooks.ts";
import { attemptResult, type AttemptResult } from "./attempt.ts";
import type { CallPlan } from "./context.ts";
import {
  buildRecord,
  emptyTrace,
  failedResult,
  respondedResult,
  type AttemptDecision,
  type AttemptEnd,
  type EndedAttempt,
  type SkippedReply,
} from "./ended-attempt.ts";

/** An attempt with a body that broke off after its response was returned. */
interface BrokenAttempt {
  readonly error: unknown;
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  readonly startedAt: number;
}

/** The decision after such an attempt where no other one follows: bytes that the caller has cannot be taken back. */
export const bodyGivenOut = "not-retried: body-given-out";

/** The attempts of a call that was suspended, since its latest redirect. */
export interface RestoredAttempts {
  readonly ended: readonly EndedAttempt[];
  /** How many attempts of the call came before them. */
  readonly numbersBefore: number;
  /** How many of them do not count for the back-off. */
  readonly uncounted: number;
  /** The start of the call on this clock, with all time that was not its own left out. */
  readonly startedAt: number;
  readonly clock: Clock;
  readonly wasSent: boolean;
}

const noSkippedReplies: readonly SkippedReply[] = [];
const noAttempts: readonly EndedAttempt[] = [];
const noVerdicts: readonly Verdict[] = [];
const acceptedAsSuccess: AttemptDecision = { decision: "success" };

/**
 * The log of one call: a record of each attempt, passed to hooks and channels. The base class of `Call` and not a field
 * of it, because a second object costs every request more than it is worth.
 */
export abstract class AttemptLog implements CallInfo, ObservedCall, Observer {
  readonly request: HttpRequest;
  readonly hooks: Hooks;
  readonly memory: BodyShare | undefined;
  readonly #before: CallPlan["before"];
  #ended = noAttempts;
  protected clock: Clock = systemClock;
  protected endedAt = 0;
  /** The instant at which the current attempt had passed every rate limit. */
  sentAt = 0;
  /** The time, in milliseconds since 1970, that the server named for the next request, if that is too late for the call. */
  retryAt: number | undefined;
  /** Whether any attempt reached the adapter. */
  protected wasSent = false;
  /** Set while the retry loop decides about a body that broke off after its response was returned. */
  protected brokenAttempt: BrokenAttempt | undefined;
  #startedAt = 0;
  #startDate: number | undefined;
  #attemptAt = 0;
  #last: HttpResponse | undefined;
  /** The decision after a response that was accepted without a record. */
  #acceptedDecision = acceptedAsSuccess;
  /** Whether the last record was not yet emitted, because it may be a redirect that is followed. */
  #isUnreported = false;
  /** Whether a returned body broke off, so that redirects are no longer followed. */
  #isReopened = false;
  #requestSummary: RequestSummary | undefined;
  #trace = emptyTrace;
  /** Milliseconds of slow time on the wire, for `timeout.wire`. */
  #wireTime = 0;
  #skipped = noSkippedReplies;
  /** The attempts of the call before it was suspended. */
  #restored: RestoredAttempts | undefined;

  constructor({ request, hooks, before, memory }: Pick<CallPlan, "request" | "hooks" | "before" | "memory">) {
    this.request = request;
    this.hooks = hooks;
    this.memory = memory;
    this.#before = before;
  }

  /** The label of the proxy that the latest attempt went through, without credentials. */
  abstract get proxyLabel(): string | undefined;

  /** The records of all attempts, in order, those of earlier redirects included. */
  get attempts(): readonly AttemptRecord[] {
    return this.#before === undefined ? this.#ownRecords : [...this.#before.attempts, ...this.#ownRecords];
  }

  /** Continues the log of a call that was suspended. */
  restore(restored: RestoredAttempts): void {
    this.#restored = restored;
    this.#ended = restored.ended;
    this.clock = restored.clock;
    this.#startedAt = restored.startedAt;
    this.wasSent = restored.wasSent;
  }

  get #ownRecords(): readonly AttemptRecord[] {
    return this.#attemptsWithLast.map((attempt, index) => this.#recordOf(attempt, index + 1));
  }

  /** The ended attempts, with that of a response that was accepted without a record. */
  get #attemptsWithLast(): readonly EndedAttempt[] {
    if (this.#ended.length === 0 && this.#last !== undefined)
      this.#ended = [this.#acceptedAttempt(this.#last)];
    return this.#ended;
  }

  /** The duration of the whole call, waits included, in milliseconds. */
  get elapsed(): number {
    return this.endedAt - this.#startedAt;
  }

  /** The attempts before a redirect count, too. */
  addWireTime(ms: number): number {
    if (this.#before !== undefined) return this.#before.addWireTime(ms);
    this.#wireTime += ms;
    return this.#wireTime;
  }

  observe(trace: Trace): void {
    this.#trace = trace;
  }

  /** Records that the attempt discarded the reply to its latest request. */
  protected skipReply(discarded: DiscardedResponse): void {
    this.#skipped = [...this.#skipped, { discarded, trace: this.#trace }];
    this.#trace = emptyTrace;
  }

  protected beginAttempt(clock: Clock, attempt: number): void {
    this.sentAt = clock.now();
    this.#attemptAt = this.sentAt;
    this.#trace = emptyTrace;
    this.#skipped = noSkippedReplies;
    if (attempt > 1) return;
    this.clock = clock;
    this.#startedAt = this.sentAt;
  }

  /** Records that the call has ended, with this response or without one. */
  protected endCall(last: HttpResponse | undefined): void {
    this.endedAt = this.clock.now();
    this.#last = last;
  }

  /** The recorded attempts since the latest redirect that count for the back-off. */
  get countedAttempts(): number {
    return this.#ended.length - (this.#restored?.uncounted ?? 0);
  }

  /** The verdicts of the recorded attempts, oldest first. */
  protected get verdicts(): readonly Verdict[] {
    return this.#ended.length === 0 ? noVerdicts : this.#ended.map(({ verdict }) => verdict);
  }

  /** The record of the latest attempt that has ended. */
  protected get lastRecord(): AttemptRecord | undefined {
    const last = this.#ended.at(-1);
    return last === undefined ? undefined : this.#recordOf(last, this.#ended.length);
  }

  /** The properties that an error of this call carries. */
  protected get failure(): Omit<Failure, "verdict"> {
    const { attempts, elapsed, retryAt } = this;
    return {
      request: this.#summary,
      attempts,
      elapsed,
      retryAt,
      ...(!this.wasSent && { mayHaveArrived: false }),
    };
  }

  /** Adds an attempt, and emits its record. */
  protected recordAttempt(attempt: Attempt<AttemptResult>, decision: AttemptDecision): void {
    const { response, error } = attemptResult(attempt);
    const { brokenAttempt } = this;
    this.brokenAttempt = undefined;
    const { startedAt, endedAt } = attempt;
    const result = response === undefined ? failedResult(error) : respondedResult(response);
    this.#add({ startedAt, endedAt, responseStartedAt: brokenAttempt?.startedAt, result, decision });
    this.#isUnreported = decision.decision !== "retried" && this.mayBeFollowed(response);
    // The record of this attempt was emitted when its head came. Its body broke off later.
    if (brokenAttempt === undefined && !this.#isUnreported) this.#reportLast();
  }

  /** Changes the latest record, because its wait ended differently. Returns when the wait was to end, in milliseconds since 1970. */
  protected reviseLast(decision: Partial<AttemptDecision>): number | undefined {
    const last = this.#ended.at(-1);
    if (last === undefined) return undefined;
    last.decision = { ...last.decision, ...decision };
    last.record = undefined;
    return last.decision.delay === undefined ? undefined : this.#toDate(last.endedAt) + last.decision.delay;
  }

  /** Removes the latest record, because its body broke off after all. Returns false where there is no record. */
  protected reopenLast(error: unknown): boolean {
    const last = this.#attemptsWithLast.at(-1);
    if (last === undefined) return false;
    this.#isReopened = true;
    this.#ended = this.#ended.slice(0, -1);
    const startedAt = last.responseStartedAt ?? this.#toDate(last.startedAt);
    this.brokenAttempt = { error, startedAt };
    return true;
  }

  /** Adds the record of the last attempt of a call after its body broke off. */
  protected recordBrokenAttempt(): void {
    this.endedAt = this.clock.now();
    if (this.brokenAttempt === undefined) return;
    const { error, startedAt } = this.brokenAttempt;
    this.#add({
      startedAt: this.#attemptAt,
      endedAt: this.endedAt,
      responseStartedAt: startedAt,
      result: failedResult(error),
      decision: { decision: bodyGivenOut },
    });
    this.brokenAttempt = undefined;
  }

  #add(end: AttemptEnd): void {
    const attempt = this.#toEnded(end);
    this.#ended = this.#ended.length === 0 ? [attempt] : [...this.#ended, attempt];
  }

  /** Whether a response may be a redirect that is followed, so that the end of its attempt is not known yet. */
  protected mayBeFollowed(response: HttpResponse | undefined): boolean {
    // Hot path: most responses are below 300.
    if (response === undefined || response.status < 300) return false;
    return isRedirectStatus(response.status) && !this.#isReopened;
  }

  /** Sets the decision after the redirect response that ended this call, and emits its record. */
  recordRedirect(decision: AttemptDecision): void {
    if (this.#ended.length === 0) this.#acceptedDecision = decision;
    else this.reviseLast(decision);
    this.#reportLast();
  }

  /** Records that the redirect response asks for a longer wait than the call allows. */
  recordLongRetryAfter({
    retryAt,
    requestedDelay,
  }: {
    readonly retryAt: number;
    readonly requestedDelay: number;
  }): void {
    this.retryAt = retryAt;
    this.recordRedirect({ decision: "retry-after-too-long", requestedDelay });
  }

  /** Emits the end of the call to hooks and channels. */
  reportEnd(): void {
    // Hot path: a response that was accepted at the first attempt gets no record until someone reads it.
    const isFirst = this.#ended.length === 0;
    if (isFirst || this.#isUnreported) this.#reportLast();
    this.#isUnreported = false;
    const last = isFirst ? undefined : this.#ended.at(-1);
    if (last === undefined || !isGivenUp({ ...last.decision, verdict: last.verdict })) return;
    reportGiveUp(this, () => toGiveUp(this.#recordOf(last, this.#ended.length), this));
  }

  /** Emits the latest record, if attempts are observed. */
  #reportLast(): void {
    if (!areAttemptsObserved(this)) return;
    const last = this.#attemptsWithLast.at(-1);
    if (last !== undefined) reportAttempt(this, this.#recordOf(last, this.#ended.length));
  }

  /** Adds the facts of the current attempt that do not depend on its result. One literal, which takes less memory than several. */
  #toEnded({ startedAt, endedAt, responseStartedAt, result, decision }: AttemptEnd): EndedAttempt {
    return {
      queuedAt: this.#attemptAt,
      sentAt: this.sentAt,
      endedAt,
      startedAt,
      responseStartedAt,
      trace: this.#trace,
      skipped: this.#skipped,
      proxy: this.proxyLabel,
      status: result.status,
      resumedFrom: result.resumedFrom,
      error: result.error,
      verdict: result.verdict,
      decision,
      record: undefined,
    };
  }

  /** Returns the record of an attempt, which is built once. */
  #recordOf(attempt: EndedAttempt, number: number): AttemptRecord {
    if (attempt.record === undefined) {
      const place = (this.#restored?.numbersBefore ?? this.#before?.attempts.length ?? 0) + number;
      const toDate = (instant: number): number => this.#toDate(instant);
      attempt.record = buildRecord(attempt, { number: place, summary: this.#summary, toDate });
    }
    return attempt.record;
  }

  /** The request without credentials. Built once, when first read. */
  get #summary(): RequestSummary {
    return (this.#requestSummary ??= summarizeRequest(this.request));
  }

  /** Converts an instant of the clock to a date. Reads the calendar once, when first called. */
  #toDate(instant: number): number {
    this.#startDate ??= this.clock.date() - (this.clock.now() - this.#startedAt);
    return this.#startDate + instant - this.#startedAt;
  }

  /** Returns the attempt of a response that was accepted immediately. */
  #acceptedAttempt({ status, verdict }: HttpResponse): EndedAttempt {
    return this.#toEnded({
      startedAt: this.#startedAt,
      endedAt: this.endedAt,
      responseStartedAt: undefined,
      result: { status, resumedFrom: undefined, error: undefined, verdict },
      decision: this.#acceptedDecision,
    });
  }
}
