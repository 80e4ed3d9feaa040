import {
  CircuitOpenError,
  RateLimitedError,
  RejectedError,
  RetryError,
  type Attempt,
  type Random,
} from "@holdfast/policy";
import {
  NoProxyError,
  ProtocolError,
  ProxyError,
  TlsError,
  TransportError,
  type Phase,
} from "../errors/transport-errors.ts";
import type { Body } from "../model/body.ts";
import type { ProxyAvailability } from "../model/proxy-provider.ts";
import type { HttpRequest } from "../model/request.ts";
import { errorMeaning, isFinalWhenRepeated, isTransient, type Meaning } from "../model/meaning.ts";
import type { Hint } from "./dialects/dialect.ts";
import { findHint } from "./dialects/hints.ts";
import type { JudgedResponse } from "./judge.ts";
import { parseRetryAfter, type ServerDelay } from "./retry-after.ts";
import { Retry } from "./retry.ts";
import { isUnprocessedStatus, maySendAgain, type Evidence } from "./repeat-safety.ts";

/** A request, as the retry rules see it. */
export interface RequestFacts extends Pick<HttpRequest, "method" | "url" | "idempotencyKey"> {
  readonly body: Pick<Body, "kind">;
}

/** One attempt, as the retry rules see it: the request, its result, and the retries that are left. */
export interface RuleFacts {
  readonly request: RequestFacts;
  /** The retries that are left before this attempt is counted. */
  readonly retry: Retry;
  /** Whether an open circuit of a policy around the attempt is waited for. @default false */
  readonly waitForCircuit?: boolean;
  /** Absent if the attempt failed without a response. Then `error` says why. */
  readonly response?: JudgedResponse | undefined;
  readonly error?: unknown;
  /** The verdicts of the earlier attempts, oldest first. */
  readonly previousVerdicts: readonly Meaning[];
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The pool's view of the proxy of this attempt and of the others. Absent without a pool. */
  readonly proxy?: ProxyAvailability | undefined;
}

/** What follows an attempt. */
export type RetryDecision =
  /** The attempt is final. */
  | { readonly again: "no"; readonly reason: string }
  /** A further attempt would be right, but no retries are left, or the requested wait is too long. */
  | {
      readonly again: "exhausted";
      readonly reason: string;
      readonly cause: unknown;
      readonly retryAt?: number;
      /** The wait that was requested, in milliseconds. */
      readonly requestedDelay?: number;
      /** The retries that are left for an attempt after the wait. */
      readonly retry?: Retry;
    }
  /**
   * A further attempt follows, with `retry` left. It starts at least `minimum` milliseconds from now, and not before the
   * back-off if that is the `source`. If the source is `"proxy"`, another proxy is available and no back-off applies.
   */
  | { readonly again: "yes"; readonly retry: Retry; readonly minimum: number; readonly source: string };

/** The decision that a further attempt follows. */
type FurtherAttempt = Extract<RetryDecision, { readonly again: "yes" }>;

/**
 * Returns the wait before a further attempt in milliseconds, and the back-off in it. The delay that a server names is a minimum, to
 * which chance only adds.
 */
export function waitBefore(
  { minimum, source, retry }: FurtherAttempt,
  attempt: Attempt,
  random: Random,
): { readonly delay: number; readonly backOff: number } {
  const requested = minimum > 0 ? minimum + serverDelayJitter(minimum, retry) * random() : 0;
  const backOff = source === "back-off" ? retry.getBackoffTime(random, attempt) : 0;
  return { delay: Math.max(requested, backOff), backOff };
}

/**
 * Returns how many milliseconds to add at random to a delay that a server asks for: at most a tenth of it, and a second.
 * 0 if the back-off has no jitter.
 */
function serverDelayJitter(delay: number, { wait, backoffJitter }: Retry): number {
  return wait === undefined && backoffJitter === 0 ? 0 : Math.min(delay / 10, 1_000);
}

/** Returns the hint of the response. It is read when it is first needed. */
type LazyHint = () => Hint | undefined;

/**
 * Decides for HTTP whether an attempt is retried, how long to wait, and when to stop. `requested`: a condition of the caller
 * asks for another attempt.
 */
export function decideByRules(facts: RuleFacts, requested: boolean): RetryDecision {
  let read: { readonly hint: Hint | undefined } | undefined;
  const hint: LazyHint = () => (read ??= { hint: hintOfResponse(facts) }).hint;
  const objection = requested ? reasonUnsafe(facts) : (reasonFinal(facts, hint) ?? reasonUnsafe(facts));
  if (objection !== undefined)
    return { again: "no", reason: objection === "ok" ? "success" : `not-retried: ${objection}` };
  const counted = countAttempt(facts);
  if (!counted.ok) return { again: "exhausted", reason: "retries-exhausted", cause: counted.error };
  return decideWait(facts, counted.value, hint);
}

function hintOfResponse({ retry, response, now }: RuleFacts): Hint | undefined {
  if (response === undefined || !retry.respectRetryAfterHeader) return undefined;
  return findHint(response, retry.dialects, now);
}

/** Returns the reason why the result of the attempt is final. Undefined if a further attempt may help. */
function reasonFinal(facts: RuleFacts, hint: LazyHint): string | undefined {
  const { retry, response, previousVerdicts } = facts;
  if (retry.total !== false && isOtherProxyAvailable(facts)) return forbiddenBy(hint);
  if (response === undefined) return reasonErrorIsFinal(facts);
  const { status, verdict } = response;
  // `total: false` switches off retries of listed statuses as well.
  if (retry.total === false) return verdict.reason;
  if (status === 421 && !previousVerdicts.some(({ reason }) => reason === verdict.reason)) return undefined;
  return reasonResponseIsFinal(facts, response, hint);
}

function reasonErrorIsFinal(facts: RuleFacts): string | undefined {
  const verdict = errorMeaning(facts.error);
  if (facts.error instanceof CircuitOpenError && facts.waitForCircuit !== true) return verdict.reason;
  if (!isTransient(verdict) && !isTemporarilyWithoutProxy(facts) && !isDistortedByProxy(facts))
    return verdict.reason;
  return isFinalWhenRepeated(verdict) &&
    facts.previousVerdicts.some(({ reason }) => reason === verdict.reason)
    ? `${verdict.reason} again`
    : undefined;
}

/**
 * Returns the reason why a response is final: its status, unless the server asks for another attempt. The method is
 * checked later, so that the reason is the true one.
 */
function reasonResponseIsFinal(
  { request, retry }: RuleFacts,
  response: JudgedResponse,
  hint: LazyHint,
): string | undefined {
  const { status, verdict } = response;
  if (isListed(request, retry, response)) return forbiddenBy(hint);
  // A header does not turn a success or a redirect into a failure.
  const requestedByServer = status >= 400 && hint()?.retry === true;
  return requestedByServer ? undefined : verdict.reason;
}

/** Returns whether the rule lists the status, or the status says that the request may be repeated. */
function isListed(
  { method, idempotencyKey }: RequestFacts,
  retry: Retry,
  { status, headers }: JudgedResponse,
): boolean {
  // With an idempotency key, a 409 means that the first request with this key is still in progress.
  if (status === 409 && idempotencyKey !== undefined) return true;
  if (isUnprocessedStatus(status)) return retry.statusForcelist.has(status);
  const hasRetryAfter = headers.has("retry-after");
  // A success or a redirect is repeated only for the methods that the rule allows.
  return status < 400
    ? retry.isRetry(method, status, hasRetryAfter)
    : retry.isStatusRetryable(status, hasRetryAfter);
}

/** Returns the source of a hint that forbids another attempt. */
function forbiddenBy(hint: LazyHint): string | undefined {
  const found = hint();
  return found?.retry === false ? found.source : undefined;
}

/** Returns whether the proxy caused the failure and another one is available. Then the status does not matter. */
export function isOtherProxyAvailable({ proxy }: Pick<RuleFacts, "proxy">): boolean {
  return proxy?.proxyAtFault === true && proxy.availableIn === 0;
}

/** Returns whether no proxy was available for a further attempt of this call, but one will be. */
function isTemporarilyWithoutProxy({ error, previousVerdicts }: RuleFacts): boolean {
  return error instanceof NoProxyError && error.retryAt < Infinity && previousVerdicts.length > 0;
}

/** Returns whether the proxy probably damaged the response, so that another one may succeed. */
function isDistortedByProxy({ error, proxy }: RuleFacts): boolean {
  return proxy?.proxyAtFault === true && (error instanceof TlsError || error instanceof ProtocolError);
}

/** Returns the reason why the request must not be sent again, whatever the result was. */
function reasonUnsafe({ request, retry, response, error }: RuleFacts): string | undefined {
  const { again, reason } = maySendAgain(
    request,
    response === undefined ? evidenceOfError(error) : evidenceOfResponse(response),
  );
  if (reason === "body-not-replayable") return reason;
  if (reason === "never-arrived" || reason === "not-processed") return undefined;
  // `allowedMethods` counts in both directions: it allows a POST that may have arrived, and it forbids a PUT.
  if (retry.isMethodRetryable(request.method)) return undefined;
  return again ? "method-not-allowed" : reason;
}

function evidenceOfResponse({ status }: JudgedResponse): Evidence {
  return { mayHaveArrived: true, mayHaveActed: !isUnprocessedStatus(status), mayBodyBeUsed: true };
}

function evidenceOfError(error: unknown): Evidence {
  if (error instanceof TransportError) {
    const { mayHaveArrived, phase } = error;
    return { mayHaveArrived, mayHaveActed: mayHaveArrived, mayBodyBeUsed: !phasesBeforeBody.has(phase) };
  }
  // A policy around the attempt rejected it: nothing was sent.
  const sent = !(error instanceof RejectedError);
  return { mayHaveArrived: sent, mayHaveActed: sent, mayBodyBeUsed: sent };
}

const phasesBeforeBody: ReadonlySet<Phase> = new Set(["dns", "connect", "tls", "proxy"]);

type Counted = { readonly ok: true; readonly value: Retry } | { readonly ok: false; readonly error: unknown };

function countAttempt({ request, retry, response, error }: RuleFacts): Counted {
  // To create an error that nobody gets was measured to cost more than the rest of the decision.
  if (response !== undefined && !retry.raiseOnStatus && isLastStatus(retry)) return exhausted;
  try {
    const { method, url } = request;
    const event = response === undefined ? { error } : { response: { status: response.status } };
    return { ok: true, value: retry.increment({ method, url: url.href, ...event }) };
  } catch (thrown) {
    return { ok: false, error: thrown instanceof RetryError ? thrown : error };
  }
}

const exhausted: Counted = Object.freeze({ ok: false, error: undefined });

/** Whether `increment` would throw for a status, unless a derived class has rules of its own. */
function isLastStatus(retry: Retry): boolean {
  if (Object.getPrototypeOf(retry) !== Retry.prototype) return false;
  const { total, status } = retry;
  return (total !== null && Number(total) < 1) || (status !== null && Number(status) < 1);
}

function decideWait(facts: RuleFacts, left: Retry, hint: LazyHint): RetryDecision {
  const { retry, now, proxy } = facts;
  if (isOtherProxyAvailable(facts)) return { again: "yes", retry: left, minimum: 0, source: "proxy" };
  if (proxy?.proxyAtFault === true) return waitForProxy(facts, left, proxy.availableIn);
  const requested = requestedWait(facts, hint);
  if (requested === undefined || requested.delay <= 0)
    return { again: "yes", retry: left, minimum: 0, source: "back-off" };
  const { delay, source } = requested;
  if (delay > retry.retryAfterMax && retry.onLongRetryAfter !== "wait") {
    return {
      again: "exhausted",
      reason: `${source}-too-long`,
      cause: undefined,
      retryAt: now + delay,
      requestedDelay: delay,
      retry: left,
    };
  }
  return { again: "yes", retry: left, minimum: delay, source };
}

/** All proxies are cooling down: the back-off applies, and no attempt starts before one of them is available. */
function waitForProxy({ retry, now }: RuleFacts, left: Retry, availableIn: number): RetryDecision {
  if (availableIn <= retry.retryAfterMax)
    return { again: "yes", retry: left, minimum: availableIn, source: "back-off" };
  const available =
    availableIn === Infinity ? undefined : { retryAt: now + availableIn, requestedDelay: availableIn };
  return { again: "exhausted", reason: "no-proxy-in-time", cause: undefined, ...available, retry: left };
}

/** Returns the wait that the server, the proxy or a policy around the attempt asks for. */
function requestedWait({ error, now, retry }: RuleFacts, hint: LazyHint): ServerDelay | undefined {
  if (
    error instanceof CircuitOpenError ||
    error instanceof RateLimitedError ||
    error instanceof NoProxyError
  ) {
    return { delay: error.retryAt - now, source: errorMeaning(error).reason };
  }
  if (error instanceof ProxyError && error.retryAfter !== undefined && retry.respectRetryAfterHeader)
    return parseRetryAfter(error.retryAfter, now);
  const { delay, source = "" } = hint() ?? {};
  return delay === undefined ? undefined : { delay, source };
}
