import { summarizeRequest, type RequestSummary } from "../model/request-summary.ts";
import { systemClock, type Attempt, type Clock } from "@holdfast/policy";
import {
  summarizeError,
  wireFacts,
  type AttemptRecord,
  type DiscardedResponse,
} from "../model/attempt-record.ts";
import { attemptResult, type AttemptResult } from "./retry-policy.ts";
import {
  areAttemptsObserved,
  reportAttempt,
  reportGiveUp,
  type ObservedCall,
} from "../telemetry/diagnostics.ts";
import type { Failure } from "../telemetry/call-failure.ts";
import { toGiveUp, isGivenUp } from "../telemetry/give-up.ts";
import type { Hooks } from "../telemetry/hooks.ts";
import { isRedirectStatus } from "../model/redirect-request.ts";
import type { HttpRequest } from "../model/request.ts";
import type { CallInfo, HttpResponse } from "../model/response.ts";
import { serverStatusOf } from "../resume/continued.ts";
import { brokenAttemptRecord, type BrokenAttempt } from "./broken-stream.ts";
import { errorVerdict, type Verdict } from "../model/verdict.ts";
import type { Observer, Trace } from "../model/trace.ts";

/** How an attempt ended. */
type AttemptDecision = Pick<AttemptRecord, "decision" | "delay" | "requestedDelay" | "delaySource">;

/** A request of an attempt that brought nothing of use. */
interface SkippedReply {
  readonly discarded: DiscardedResponse;
  readonly trace: Trace;
}

const emptyTrace: Trace = {};
const noSkippedReplies: readonly SkippedReply[] = [];
const success: AttemptDecision = { decision: "success" };

/** Whose story is told: with the redirect before it, where one led to it. */
export interface Told extends ObservedCall {
  readonly before?: Pick<CallInfo, "attempts"> | undefined;
}

/**
 * The story of one call: a record for each attempt, and what is told of them. A base class, because a further object would
 * cost each request more than it is worth.
 */
export abstract class AttemptLog implements CallInfo, ObservedCall, Observer {
  readonly request: HttpRequest;
  readonly hooks: Hooks;
  readonly #before: Told["before"];
  readonly #records: AttemptRecord[] = [];
  protected clock: Clock = systemClock;
  protected endedAt = 0;
  /** When the attempt under way left, behind whatever gates it had to pass. */
  protected leftAt = 0;
  /** When the server wants to be asked again, in milliseconds since 1970, where that is later than the call would wait. */
  retryAt: number | undefined;
  /** Whether any attempt got as far as the adapter. */
  protected wasSent = false;
  /** The attempt whose body broke off after it was given out, while the rules look at it. */
  protected cut: BrokenAttempt | undefined;
  #startedAt = 0;
  #startDate: number | undefined;
  #attemptAt = 0;
  #last: HttpResponse | undefined;
  /** How the answer that was accepted unasked ended the call. */
  #ending = success;
  /** Whether the last record is still to be told of, because it may be a redirect that is followed. */
  #untold = false;
  /** Whether a body that was given out broke off, so that nobody follows a redirect any more. */
  #reopened = false;
  #asked: RequestSummary | undefined;
  #trace = emptyTrace;
  /** What the attempt under way has gone past. */
  #past = noSkippedReplies;

  constructor({ request, hooks, before }: Told) {
    this.request = request;
    this.hooks = hooks;
    this.#before = before;
  }

  /** The proxy that the latest attempt went through, without credentials. */
  protected abstract get via(): string | undefined;

  /** Every attempt, in order, those of the redirects before it included. */
  get attempts(): readonly AttemptRecord[] {
    return this.#before === undefined ? this.#own : [...this.#before.attempts, ...this.#own];
  }

  get #own(): readonly AttemptRecord[] {
    if (this.#records.length === 0 && this.#last !== undefined) this.#records.push(this.#first(this.#last));
    return this.#records;
  }

  /** The whole call, waits included, in milliseconds. */
  get elapsed(): number {
    return this.endedAt - this.#startedAt;
  }

  observe(trace: Trace): void {
    this.#trace = trace;
  }

  /** Takes note that the attempt goes past what its request brought. */
  protected goPast(discarded: DiscardedResponse): void {
    this.#past = [...this.#past, { discarded, trace: this.#trace }];
    this.#trace = emptyTrace;
  }

  /** Takes note that an attempt begins. */
  protected begin(clock: Clock, attempt: number): void {
    this.leftAt = clock.now();
    this.#attemptAt = this.leftAt;
    this.#trace = emptyTrace;
    this.#past = noSkippedReplies;
    if (attempt > 1) return;
    this.clock = clock;
    this.#startedAt = this.leftAt;
  }

  /** Takes note that the call has ended, with this answer or without one. */
  protected end(last: HttpResponse | undefined): void {
    this.endedAt = this.clock.now();
    this.#last = last;
  }

  /** The number of the attempt that is not noted yet, since the latest redirect. */
  protected get nextNumber(): number {
    return this.#records.length + 1;
  }

  /** What the attempts so far meant. */
  protected get verdicts(): readonly Verdict[] {
    return this.#records.map(({ verdict }) => verdict);
  }

  protected get story(): Omit<Failure, "verdict"> {
    const { attempts, elapsed, retryAt } = this;
    return {
      request: this.#told,
      attempts,
      elapsed,
      retryAt,
      ...(!this.wasSent && { mayHaveArrived: false }),
    };
  }

  /** Writes the record of an attempt, and tells of it. */
  protected note(attempt: Attempt<AttemptResult>, ending: AttemptDecision): AttemptRecord {
    const { response, error } = attemptResult(attempt);
    const { cut } = this;
    this.cut = undefined;
    const { startedAt, endedAt } = attempt;
    const record: AttemptRecord = {
      ...this.#named(this.nextNumber),
      startedAt: cut?.startedAt ?? this.#dateOf(startedAt),
      elapsed: cut === undefined ? endedAt - startedAt : this.#dateOf(endedAt) - cut.startedAt,
      ...this.#wire(endedAt),
      ...(response === undefined ? { error: summarizeError(error) } : serverStatusOf(response)),
      verdict: response?.verdict ?? errorVerdict(error),
      ...ending,
    };
    this.#records.push(record);
    this.#untold = ending.decision !== "retried" && this.mayBeFollowed(response);
    // Of an attempt whose body broke off later, it was told when its head came.
    if (cut === undefined && !this.#untold) reportAttempt(this, record);
    return record;
  }

  /** Writes the latest record anew: the wait that it tells of was ended. */
  protected revise(ending: Partial<AttemptDecision>): AttemptRecord | undefined {
    const record = this.#records.pop();
    if (record !== undefined) this.#records.push({ ...record, ...ending });
    return record;
  }

  /** Takes the latest record back: the body that it tells of broke off later. False where there is none. */
  protected reopen(error: unknown): boolean {
    const record = this.#own.at(-1);
    if (record === undefined) return false;
    this.#reopened = true;
    this.#records.pop();
    this.cut = { error, startedAt: record.startedAt };
    return true;
  }

  /** Writes the record of an attempt whose body broke off and which no other one follows. */
  protected noteCut(): void {
    this.endedAt = this.clock.now();
    if (this.cut === undefined) return;
    const elapsed = this.#dateOf(this.endedAt) - this.cut.startedAt;
    this.#records.push({
      ...brokenAttemptRecord(this.cut, { ...this.#named(this.nextNumber), elapsed }),
      ...this.#wire(this.endedAt),
    });
    this.cut = undefined;
  }

  /** Whether an answer may turn out to be a redirect that is followed, so that its end is not known yet. */
  protected mayBeFollowed(response: HttpResponse | undefined): boolean {
    return response !== undefined && isRedirectStatus(response.status) && !this.#reopened;
  }

  /** Takes note that the redirect which is the answer ended otherwise than its status says, and tells of it. */
  redirected(ending: AttemptDecision): void {
    const record = this.#records.pop();
    if (record === undefined) this.#ending = ending;
    else this.#records.push({ ...record, ...ending });
    const last = areAttemptsObserved(this) ? this.#own.at(-1) : undefined;
    if (last !== undefined) reportAttempt(this, last);
  }

  /** Takes note that the redirect which is the answer asks for more patience than there is. */
  tooLate({ retryAt, requestedDelay }: { readonly retryAt: number; readonly requestedDelay: number }): void {
    this.retryAt = retryAt;
    this.redirected({ decision: "retry-after-too-long", requestedDelay });
  }

  /** Tells of the end to whoever wants to hear of it. */
  tellEnd(): void {
    // Hot path: an answer that was accepted unasked has no record yet, and gets none that nobody reads.
    if (this.#records.length === 0 && !areAttemptsObserved(this)) return;
    const unasked = this.#records.length === 0;
    const last = this.#own.at(-1);
    if (last === undefined) return;
    if (unasked || this.#untold) reportAttempt(this, last);
    this.#untold = false;
    if (!unasked && isGivenUp(last)) reportGiveUp(this, () => toGiveUp(last, this));
  }

  #wire(endedAt: number): Partial<AttemptRecord> {
    const { via, leftAt } = this;
    const span = { startedAt: this.#attemptAt, leftAt, endedAt };
    const discarded = this.#past.map((past) => past.discarded);
    const traces = this.#past.map((past) => past.trace);
    // No further request followed what was gone past last: that was the attempt.
    const trace = this.#trace === emptyTrace ? (traces.pop() ?? emptyTrace) : this.#trace;
    return {
      ...(discarded.length > 0 && { discarded }),
      ...wireFacts(trace, span, traces),
      ...(via !== undefined && { proxy: via }),
    };
  }

  /** What was asked; the URL is made fit to be told once, when somebody asks. */
  get #told(): RequestSummary {
    return (this.#asked ??= summarizeRequest(this.request));
  }

  /** What every record begins with. */
  #named(number: number): Pick<AttemptRecord, "number" | "method" | "url"> {
    return { number: (this.#before?.attempts.length ?? 0) + number, ...this.#told };
  }

  /** When an instant of the clock was: the calendar is looked at once, when somebody asks. */
  #dateOf(instant: number): number {
    this.#startDate ??= this.clock.date() - (this.clock.now() - this.#startedAt);
    return this.#startDate + instant - this.#startedAt;
  }

  /** The record of an answer that was accepted unasked. */
  #first({ status, verdict }: HttpResponse): AttemptRecord {
    const startedAt = this.#dateOf(this.#startedAt);
    return {
      ...this.#named(1),
      startedAt,
      elapsed: this.elapsed,
      ...this.#wire(this.endedAt),
      status,
      verdict,
      ...this.#ending,
    };
  }
}
