import {
  type RetryRule,
  BulkheadFullError,
  HoldfastError,
  RateLimitedError,
  type Attempt,
  type Clock,
  type PolicyEvent,
  type RetryProgress,
  type Scope,
} from "@holdfast/policy";
import { executeSuspendable, noProgress, startTimer } from "@holdfast/policy/internal";
import type { AttemptRecord } from "../model/attempt-record.ts";
import { toRedirectRequest } from "../model/redirect-request.ts";
import { isElsewhere } from "./follow-redirects.ts";
import { hostOf, type HttpRequest } from "../model/request.ts";
import { summarizeRequest } from "../model/request-summary.ts";
import { HttpResponse, setHistory } from "../model/response.ts";
import type { RateLimitTurn } from "../pacing/limiters.ts";
import type { RequestHistory } from "../retry/history.ts";
import { isObject } from "../support/validate.ts";
import { findPark, type Park } from "../retry/park.ts";
import type { AttemptFacts } from "../retry/retry-decision.ts";
import type { Retry } from "../retry/retry.ts";
import type { RetryDecision } from "../retry/rules.ts";
import { isFailure } from "../telemetry/call-failure.ts";
import type { AttemptResult, CallRules } from "./attempt.ts";
import type { PreparedRequest } from "./build-request.ts";
import type { CallFactory } from "./call-factory.ts";
import type { Call } from "./call.ts";
import {
  countersLeft,
  keptRedirects,
  latestAttempts,
  readContinuation,
  requestHash,
  spentCounts,
  type CallContinuation,
  type FollowedRedirect,
} from "./call-continuation.ts";
import type { CallContext, CallSuspension, SuspendedCall } from "./context.ts";
import type { RequestOptions } from "./options.ts";
import { emptyTrace, type EndedAttempt } from "./ended-attempt.ts";

/** What a call waits for, and until when. */
export interface CallWait extends Pick<Park, "until" | "scope" | "source" | "isStated"> {
  /** The host of the request, after redirects. */
  readonly host: string;
  /** The proxy, without credentials. */
  readonly proxy?: string | undefined;
}

/** Thrown in place of a wait by a request with `onWait: "suspend"`. */
export class SuspendedError extends HoldfastError {
  readonly code = "ERR_SUSPENDED";
  readonly wait: CallWait;
  /** Continues the request. */
  readonly continuation: CallContinuation;
  /** Every attempt so far, in order. */
  readonly attempts: readonly AttemptRecord[];
  /** How many of them were made since the request was started or continued. */
  readonly newAttempts: number;

  constructor(
    { wait, continuation, attempts, newAttempts }: Omit<SuspendedError, keyof HoldfastError>,
    options: ErrorOptions,
  ) {
    const until = wait.until === Infinity ? "" : ` until ${new Date(wait.until).toISOString()}`;
    super(`The request waits${until} (${wait.source})`, options);
    this.wait = wait;
    this.continuation = continuation;
    this.attempts = attempts;
    this.newAttempts = newAttempts;
  }
}

/** Returns the options of a request, with the idempotency key that the call had before it was suspended. */
export function withStoredKey(options: RequestOptions): RequestOptions {
  const { continuation } = options;
  const key = isObject(continuation) ? continuation["idempotencyKey"] : undefined;
  return typeof key === "string" ? { ...options, idempotencyKey: key } : options;
}

interface SuspensionOptions {
  readonly prepared: PreparedRequest;
  readonly continuation: unknown;
  readonly calls: CallFactory;
}

/** One call that ends in place of its waits, and what it needs to continue. */
export class SuspendableCall implements CallSuspension {
  readonly context: CallContext;
  /** The call to run: a new one, or one that continues behind its redirects. */
  readonly call: Call;
  readonly history: readonly HttpResponse[];
  error: SuspendedError | undefined;
  readonly #prepared: PreparedRequest;
  readonly #calls: CallFactory;
  /** The continuation that the call started from. */
  readonly #before: CallContinuation | undefined;
  /** When the call started on its clock, with all time that was not its own left out. */
  readonly #startedAt: number;
  readonly #attemptsBefore: number;
  /** The call since the latest redirect. */
  #current: SuspendedCall;
  #progress: RetryProgress | undefined;
  #redirects: readonly FollowedRedirect[];
  /** The attempts before the latest redirect. */
  #attemptsBeforeRedirect: number;

  /** @throws TypeError for a value that is not the continuation of this request. */
  constructor(context: CallContext, { prepared, continuation, calls }: SuspensionOptions) {
    const before = continuation === undefined ? undefined : readContinuation(continuation, prepared.request);
    const elapsed = before?.elapsed ?? 0;
    this.#prepared = prepared;
    this.#calls = calls;
    this.#before = before;
    this.#startedAt = context.clock.now() - elapsed;
    this.#progress = before?.progress;
    this.#redirects = before?.redirects ?? [];
    this.history = this.#redirects.map(toRedirectResponse);
    this.#attemptsBefore = before === undefined ? 0 : before.forgotten + before.attempts.length;
    this.#attemptsBeforeRedirect = before === undefined ? 0 : this.#attemptsBefore - before.made;
    this.context = { ...context, deadline: context.deadline - elapsed, suspension: this };
    this.call = before === undefined ? calls.create(prepared, this.context) : this.#restore(before);
    this.#current = this.call;
  }

  /** Gives the result the redirects that were followed before the call was suspended, unless it has them. */
  async withHistory(result: Promise<HttpResponse>): Promise<HttpResponse> {
    const { history } = this;
    if (history.length === 0) return result;
    try {
      const response = await result;
      if (response.history.length === 0) setHistory(response, history);
      return response;
    } catch (error) {
      throw isFailure(error) && error.history === undefined ? Object.assign(error, { history }) : error;
    }
  }

  run(rule: RetryRule<AttemptResult>, call: CallRules, context: Scope): Promise<AttemptResult> {
    const progress = this.#progress;
    const suspend = (next: RetryProgress): void => this.#beforeRetry(next);
    return executeSuspendable(rule, (scope) => call.send(scope), { context, progress, suspend });
  }

  policyScope(scope: Scope): Scope {
    return { ...scope, clock: refusingClock(scope.clock), on: refuseQueue };
  }

  findPark(facts: AttemptFacts, decision: RetryDecision): Park | undefined {
    return findPark(facts, decision, this.#before?.parks ?? 0);
  }

  park(
    park: Park,
    { attempt, turn }: { readonly attempt: Attempt<AttemptResult>; readonly turn: RateLimitTurn | undefined },
  ): never {
    const cause = park.wasSent || !attempt.outcome.ok ? undefined : attempt.outcome.value.error;
    const { number, waited, idleFor, elapsed } = attempt;
    if (park.wasSent) this.#progress = { number, waited, idleFor, elapsed };
    const isLimit =
      park.scope === "host" && turn !== undefined && turn.at >= park.until + Number(park.wasSent);
    const wait = isLimit ? { ...park, until: turn.at, source: turn.source } : park;
    this.#end(wait, { cause, ownWait: 0, isPark: !park.counts, wasSent: park.wasSent });
  }

  follow(next: SuspendedCall, redirect: HttpResponse, delay: number): void {
    this.#current = next;
    const location = redirect.headers.get("location") ?? "";
    this.#redirects = [...this.#redirects, { status: redirect.status, location }];
    this.#progress = undefined;
    this.#attemptsBeforeRedirect = this.#lastNumber;
    if (delay <= 0) return;
    const until = this.context.clock.date() + delay;
    const wait = { until, scope: "line", source: "retry-after", isStated: true } as const;
    this.#end(wait, { ownWait: 0, isPark: false, wasSent: false });
  }

  /** Ends the call in place of its back-off. */
  #beforeRetry(progress: RetryProgress): void {
    this.#progress = progress;
    const { clock, drain } = this.context;
    const { waited } = progress;
    if (waited <= 0 && drain?.aborted !== true) return;
    const source = this.#current.attempts.at(-1)?.delaySource ?? "back-off";
    const wait = { until: clock.date() + waited, scope: "line", source, isStated: false } as const;
    this.#end(wait, { ownWait: waited, isPark: false, wasSent: true });
  }

  /** @throws SuspendedError, always. */
  #end(
    { until, scope, source, isStated }: Pick<Park, "until" | "scope" | "source" | "isStated">,
    end: CallPause,
  ): never {
    const call = this.#current;
    const wait = { until, scope, source, isStated, host: hostOf(call.request), proxy: call.proxyLabel };
    const newAttempts = this.#lastNumber - this.#attemptsBefore;
    const { attempts } = call;
    const continuation = this.#toContinuation(end);
    this.error = new SuspendedError({ wait, continuation, attempts, newAttempts }, { cause: end.cause });
    throw this.error;
  }

  #toContinuation({ ownWait, isPark, wasSent }: CallPause): CallContinuation {
    const call = this.#current;
    const { request } = this.#prepared;
    const redirects = keptRedirects(this.#redirects);
    const isKept = redirects.length === this.#redirects.length;
    const current = summarizeRequest(isKept ? call.request : request);
    const kept = latestAttempts(call.attempts.map((record) => withoutRequest(record, current)));
    const last = this.#lastNumber;
    return {
      version: 1,
      request: requestHash(request),
      progress: this.#progress ?? noProgress,
      elapsed: this.context.clock.now() - this.#startedAt + ownWait,
      wireTime: call.addWireTime(0),
      redirects,
      attempts: kept,
      forgotten: last - kept.length,
      made: isKept ? Math.min(last - this.#attemptsBeforeRedirect, kept.length) : 0,
      counted: isKept ? call.countedAttempts - Number(isPark && wasSent) : 0,
      parks: (this.#before?.parks ?? 0) + Number(isPark && wasSent),
      spent: spentCounts(this.#ruleOf(call.request), call.retry),
      ...(request.idempotencyKey !== undefined && { idempotencyKey: request.idempotencyKey }),
    };
  }

  /** The number of the latest attempt of the whole call. */
  get #lastNumber(): number {
    return this.#current.attempts.at(-1)?.number ?? this.#attemptsBefore;
  }

  /** Returns the retries of a new call to the current URL. */
  #ruleOf(request: HttpRequest): Retry {
    return this.#calls.create({ request, auth: undefined }, this.context).retry;
  }

  #restore(before: CallContinuation): Call {
    const { clock } = this.context;
    const { request, auth } = this.#requestAfterRedirects();
    const current = summarizeRequest(request);
    const records = before.attempts.map((record) => ({ ...current, ...record }));
    const own = before.made === 0 ? [] : records.slice(-before.made);
    const earlier = records.slice(0, records.length - own.length);
    const rule = this.#ruleOf(request);
    const history = records.filter(isCounted).map(toHistory);
    const retry = rule.new({ ...countersLeft(rule, before.spent), history });
    let { wireTime } = before;
    const addWireTime = (ms: number): number => (wireTime += ms);
    const adapter = this.#calls.adapterFor(request.url);
    const remaining = { call: { attempts: earlier, addWireTime }, adapter, retry };
    const call = this.#calls.create({ request, auth, remaining }, this.context);
    call.restore({
      ended: own.map(toEnded),
      numbersBefore: this.#attemptsBefore - own.length,
      uncounted: own.length - before.counted,
      startedAt: clock.now() - before.progress.elapsed,
      clock,
      wasSent: records.length > 0,
    });
    return call;
  }

  /** Follows the redirects of the continuation again, without sending anything. */
  #requestAfterRedirects(): PreparedRequest {
    const first = this.#prepared;
    let { request } = first;
    for (const redirect of this.#redirects) {
      const { removeHeadersOnRedirect } = this.#ruleOf(request);
      const sensitive = [...this.context.sensitiveHeaders, ...removeHeadersOnRedirect];
      const next = toRedirectRequest(request, redirect, sensitive);
      if (next.follow) ({ request } = next);
    }
    return { request, auth: isElsewhere(first.request, request) ? undefined : first.auth };
  }
}

/** How a call is suspended. */
interface CallPause {
  readonly cause?: unknown;
  /** The part of the wait that counts as time of the call, in milliseconds. */
  readonly ownWait: number;
  /** Whether the latest attempt is not one of the call's own failures, and whether there was one. */
  readonly isPark: boolean;
  readonly wasSent: boolean;
}

function withoutRequest(record: AttemptRecord, { method, url }: Pick<AttemptRecord, "method" | "url">) {
  const { method: itsMethod, url: itsUrl, ...rest } = record;
  return {
    ...rest,
    ...(itsMethod !== method && { method: itsMethod }),
    ...(itsUrl !== url && { url: itsUrl }),
  };
}

function toRedirectResponse({ status, location }: FollowedRedirect): HttpResponse {
  return new HttpResponse({
    status,
    statusText: "",
    url: "",
    headers: { location },
    content: new Uint8Array(),
  });
}

/** Whether an attempt is in the history of the `Retry`. */
function isCounted({ decision }: AttemptRecord): boolean {
  return decision === "retried" || decision === "redirected";
}

function toHistory({ method, url, status, error, decision }: AttemptRecord): RequestHistory {
  return {
    method,
    url,
    error:
      error === undefined
        ? null
        : Object.assign(new Error(error.message), { name: error.name, code: error.code }),
    status: error === undefined ? (status ?? null) : null,
    redirectLocation: decision === "redirected" ? url : null,
  };
}

/** Returns an attempt with a known record. */
function toEnded(record: AttemptRecord): EndedAttempt {
  const { status, resumedFrom, error, verdict, proxy, decision, delay, requestedDelay, delaySource } = record;
  return {
    queuedAt: 0,
    sentAt: 0,
    endedAt: 0,
    startedAt: 0,
    responseStartedAt: record.startedAt,
    trace: emptyTrace,
    skipped: [],
    proxy,
    status,
    resumedFrom,
    error,
    verdict,
    decision: {
      decision,
      ...(delay !== undefined && { delay }),
      ...(requestedDelay !== undefined && { requestedDelay }),
      ...(delaySource !== undefined && { delaySource }),
    },
    record,
  };
}

/** Returns a clock that refuses to sleep, so that a rate limit of the policy rejects in place of a wait. */
function refusingClock(clock: Clock): Clock {
  return {
    now: () => clock.now(),
    date: () => clock.date(),
    timer: (delay, run) => startTimer(clock, delay, run),
    sleep: (delay) => Promise.reject(new RateLimitedError(delay, clock.date() + delay)),
  };
}

/** Rejects a call that a bulkhead of the policy is about to queue. */
function refuseQueue(event: PolicyEvent): void {
  if (event.type === "queued") throw new BulkheadFullError(0, 0);
}
