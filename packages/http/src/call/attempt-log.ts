import { systemClock, type Attempt, type Clock } from "@holdfast/policy";
import {
  summarizeError,
  describeTrace,
  type AttemptRecord,
  type DiscardedResponse,
} from "../model/attempt-record.ts";
import { isRedirectStatus } from "../model/redirect-request.ts";
import type { HttpRequest } from "../model/request.ts";
import { summarizeRequest, type RequestSummary } from "../model/request-summary.ts";
import type { CallInfo, HttpResponse } from "../model/response.ts";
import type { Observer, Trace } from "../model/trace.ts";
import { errorVerdict, type Verdict } from "../model/verdict.ts";
import { readServerStatus } from "../resume/continuation.ts";
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

/** The part of a record that says how the call went on after the attempt. */
export type AttemptDecision = Pick<AttemptRecord, "decision" | "delay" | "requestedDelay" | "delaySource">;

/** A reply within an attempt that the attempt discarded: a response or a failure. */
interface SkippedReply {
  readonly discarded: DiscardedResponse;
  readonly trace: Trace;
}

/** An attempt with a body that broke off after its response was returned. */
interface BrokenAttempt {
  readonly error: unknown;
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  readonly startedAt: number;
}

/** The decision after such an attempt where no other one follows: bytes that the caller has cannot be taken back. */
export const bodyGivenOut = "not-retried: body-given-out";

const emptyTrace: Trace = {};
const noSkippedReplies: readonly SkippedReply[] = [];
const acceptedAsSuccess: AttemptDecision = { decision: "success" };

/**
 * The log of one call: a record of each attempt, passed to hooks and channels. The base class of `Call` and not a field
 * of it, because a second object costs every request more than it is worth.
 */
export abstract class AttemptLog implements CallInfo, ObservedCall, Observer {
  readonly request: HttpRequest;
  readonly hooks: Hooks;
  readonly #before: CallPlan["before"];
  readonly #records: AttemptRecord[] = [];
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
  #skipped = noSkippedReplies;

  constructor({ request, hooks, before }: Pick<CallPlan, "request" | "hooks" | "before">) {
    this.request = request;
    this.hooks = hooks;
    this.#before = before;
  }

  /** The label of the proxy that the latest attempt went through, without credentials. */
  protected abstract get proxyLabel(): string | undefined;

  /** The records of all attempts, in order, those of earlier redirects included. */
  get attempts(): readonly AttemptRecord[] {
    return this.#before === undefined ? this.#ownRecords : [...this.#before.attempts, ...this.#ownRecords];
  }

  get #ownRecords(): readonly AttemptRecord[] {
    if (this.#records.length === 0 && this.#last !== undefined)
      this.#records.push(this.#acceptedRecord(this.#last));
    return this.#records;
  }

  /** The duration of the whole call, waits included, in milliseconds. */
  get elapsed(): number {
    return this.endedAt - this.#startedAt;
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

  /** The number of the next attempt to be recorded, counted from the latest redirect. */
  protected get nextNumber(): number {
    return this.#records.length + 1;
  }

  /** The verdicts of the recorded attempts, oldest first. */
  protected get verdicts(): readonly Verdict[] {
    return this.#records.map(({ verdict }) => verdict);
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

  /** Adds the record of an attempt, and emits it. */
  protected recordAttempt(attempt: Attempt<AttemptResult>, decision: AttemptDecision): AttemptRecord {
    const { response, error } = attemptResult(attempt);
    const { brokenAttempt } = this;
    this.brokenAttempt = undefined;
    const { startedAt, endedAt } = attempt;
    const record: AttemptRecord = {
      ...this.#identify(this.nextNumber),
      startedAt: brokenAttempt?.startedAt ?? this.#toDate(startedAt),
      elapsed:
        brokenAttempt === undefined ? endedAt - startedAt : this.#toDate(endedAt) - brokenAttempt.startedAt,
      ...this.#wireFacts(endedAt),
      ...(response === undefined ? { error: summarizeError(error) } : readServerStatus(response)),
      verdict: response?.verdict ?? errorVerdict(error),
      ...decision,
    };
    this.#records.push(record);
    this.#isUnreported = decision.decision !== "retried" && this.mayBeFollowed(response);
    // The record of this attempt was emitted when its head came. Its body broke off later.
    if (brokenAttempt === undefined && !this.#isUnreported) reportAttempt(this, record);
    return record;
  }

  /** Changes the latest record, because its wait ended differently. */
  protected reviseLast(decision: Partial<AttemptDecision>): AttemptRecord | undefined {
    const record = this.#records.pop();
    if (record !== undefined) this.#records.push({ ...record, ...decision });
    return record;
  }

  /** Removes the latest record, because its body broke off after all. Returns false where there is no record. */
  protected reopenLast(error: unknown): boolean {
    const record = this.#ownRecords.at(-1);
    if (record === undefined) return false;
    this.#isReopened = true;
    this.#records.pop();
    this.brokenAttempt = { error, startedAt: record.startedAt };
    return true;
  }

  /** Adds the record of the last attempt of a call after its body broke off. */
  protected recordBrokenAttempt(): void {
    this.endedAt = this.clock.now();
    if (this.brokenAttempt === undefined) return;
    const { error, startedAt } = this.brokenAttempt;
    this.#records.push({
      ...this.#identify(this.nextNumber),
      startedAt,
      elapsed: this.#toDate(this.endedAt) - startedAt,
      error: summarizeError(error),
      verdict: errorVerdict(error),
      decision: bodyGivenOut,
      ...this.#wireFacts(this.endedAt),
    });
    this.brokenAttempt = undefined;
  }

  /** Whether a response may be a redirect that is followed, so that the end of its attempt is not known yet. */
  protected mayBeFollowed(response: HttpResponse | undefined): boolean {
    // Hot path: most responses are below 300.
    if (response === undefined || response.status < 300) return false;
    return isRedirectStatus(response.status) && !this.#isReopened;
  }

  /** Sets the decision after the redirect response that ended this call, and emits its record. */
  recordRedirect(decision: AttemptDecision): void {
    const record = this.#records.pop();
    if (record === undefined) this.#acceptedDecision = decision;
    else this.#records.push({ ...record, ...decision });
    const last = areAttemptsObserved(this) ? this.#ownRecords.at(-1) : undefined;
    if (last !== undefined) reportAttempt(this, last);
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
    if (this.#records.length === 0 && !areAttemptsObserved(this)) return;
    const isFirst = this.#records.length === 0;
    const last = this.#ownRecords.at(-1);
    if (last === undefined) return;
    if (isFirst || this.#isUnreported) reportAttempt(this, last);
    this.#isUnreported = false;
    if (!isFirst && isGivenUp(last)) reportGiveUp(this, () => toGiveUp(last, this));
  }

  #wireFacts(endedAt: number): Partial<AttemptRecord> {
    const { proxyLabel, sentAt } = this;
    const span = { startedAt: this.#attemptAt, sentAt, endedAt };
    const discarded = this.#skipped.map((reply) => reply.discarded);
    const traces = this.#skipped.map((reply) => reply.trace);
    // Where no further request followed the last skipped reply, that reply was the attempt.
    const trace = this.#trace === emptyTrace ? (traces.pop() ?? emptyTrace) : this.#trace;
    return {
      ...(discarded.length > 0 && { discarded }),
      ...describeTrace(trace, span, traces),
      ...(proxyLabel !== undefined && { proxy: proxyLabel }),
    };
  }

  /** The request without credentials. Built once, when first read. */
  get #summary(): RequestSummary {
    return (this.#requestSummary ??= summarizeRequest(this.request));
  }

  /** Returns the first properties of a record. */
  #identify(number: number): Pick<AttemptRecord, "number" | "method" | "url"> {
    return { number: (this.#before?.attempts.length ?? 0) + number, ...this.#summary };
  }

  /** Converts an instant of the clock to a date. Reads the calendar once, when first called. */
  #toDate(instant: number): number {
    this.#startDate ??= this.clock.date() - (this.clock.now() - this.#startedAt);
    return this.#startDate + instant - this.#startedAt;
  }

  /** Returns the record of a response that was accepted at the first attempt. */
  #acceptedRecord({ status, verdict }: HttpResponse): AttemptRecord {
    const startedAt = this.#toDate(this.#startedAt);
    return {
      ...this.#identify(1),
      startedAt,
      elapsed: this.elapsed,
      ...this.#wireFacts(this.endedAt),
      status,
      verdict,
      ...this.#acceptedDecision,
    };
  }
}
