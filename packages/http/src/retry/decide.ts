import { CircuitOpenError, RateLimitedError, RejectedError, RetryError } from "@holdfast/policy";
import {
  NoProxyError,
  ProtocolError,
  ProxyError,
  TlsError,
  TransportError,
  type Phase,
} from "../errors/transport-errors.ts";
import type { ProxyAvailability } from "../model/proxy-provider.ts";
import type { HttpRequest } from "../model/request.ts";
import { type HttpResponse, unreadBodyOf } from "../model/response.ts";
import type { Hint } from "./dialects/dialect.ts";
import { hintIn } from "./dialects/hint-in.ts";
import { parseRetryAfter, type ServerDelay } from "./retry-after.ts";
import type { Retry } from "./retry.ts";
import { maySendAgain, saysUnprocessed, type Evidence } from "./safety.ts";
import { errorVerdict, mayPass, isFinalTheSecondTime, type Verdict } from "../model/verdict.ts";

/** One attempt, seen by the rules: the request, what came back, and what is left of the retries. */
export interface Facts {
  readonly request: HttpRequest;
  /** What is left before this attempt is counted. */
  readonly retry: Retry;
  /** Absent when no answer came; then `error` says why. */
  readonly response?: HttpResponse | undefined;
  readonly error?: unknown;
  /** Verdicts of the attempts before, oldest first. */
  readonly before: readonly Verdict[];
  /** Milliseconds since 1970. */
  readonly now: number;
  /** What a pool makes of the proxy that the attempt went through, and of the others; absent without a pool. */
  readonly proxy?: ProxyAvailability | undefined;
}

/** What the rules make of an attempt. */
export type Decision =
  /** Nothing speaks for another attempt, or something against it. */
  | { readonly again: "no"; readonly reason: string }
  /** Another attempt would be right, but there is none left, or the server asks for more patience than there is. */
  | {
      readonly again: "exhausted";
      readonly reason: string;
      readonly cause: unknown;
      readonly retryAt?: number;
      /** How much patience it would have taken, in milliseconds. */
      readonly asked?: number;
    }
  /**
   * Another attempt, with `retry` left: at least `minimum` milliseconds from now, and no sooner than the back-off where
   * that is the source. Where it is the proxy, another address is fit, and the back-off plays no part.
   */
  | { readonly again: "yes"; readonly retry: Retry; readonly minimum: number; readonly source: string };

/** Decides what follows an attempt: the three questions of the loop, answered for HTTP in one place. */
export function decide(facts: Facts): Decision | Promise<Decision> {
  // A body that was not waited for cannot be asked about: the call goes on by what its head says.
  if (facts.response !== undefined && unreadBodyOf(facts.response) !== undefined) return decideByHead(facts);
  const wished = facts.retry.when?.({ response: facts.response, error: facts.error }) ?? false;
  return typeof wished === "boolean"
    ? decideNow(facts, wished)
    : wished.then((wish) => decideNow(facts, wish));
}

/** Decides by status and headers alone, without asking `retry.when`, which may want to see the body. */
export function decideByHead(facts: Facts): Decision {
  return decideNow(facts, false);
}

/** What the server says about another attempt, looked for when it is first asked for. */
type Listen = () => Hint | undefined;

function decideNow(facts: Facts, wished: boolean): Decision {
  let heard: { readonly hint: Hint | undefined } | undefined;
  const listen: Listen = () => (heard ??= { hint: heardIn(facts) }).hint;
  const objection = wished ? unsafe(facts) : (unwanted(facts, listen) ?? unsafe(facts));
  if (objection !== undefined)
    return { again: "no", reason: objection === "ok" ? "success" : `not-retried: ${objection}` };
  const counted = count(facts);
  if (!counted.ok) return { again: "exhausted", reason: "retries-exhausted", cause: counted.error };
  return patience(facts, counted.value, listen);
}

function heardIn({ retry, response, now }: Facts): Hint | undefined {
  const listens = response !== undefined && retry.respectRetryAfterHeader;
  return listens ? hintIn(response, retry.dialects, now) : undefined;
}

/** Why the failure, or the answer, calls for no further attempt. */
function unwanted(facts: Facts, listen: Listen): string | undefined {
  const { retry, response, before } = facts;
  if (retry.total !== false && isElsewhere(facts)) return vetoIn(listen);
  if (response === undefined) return unwantedAfterError(facts);
  const { status, verdict } = response;
  // Switched off is switched off, also for a status that is listed.
  if (retry.total === false) return verdict.reason;
  if (status === 421 && !before.some(({ reason }) => reason === verdict.reason)) return undefined;
  return unasked(facts, response, listen);
}

function unwantedAfterError(facts: Facts): string | undefined {
  const verdict = errorVerdict(facts.error);
  if (!mayPass(verdict) && !isInterim(facts) && !isDistorted(facts)) return verdict.reason;
  return isFinalTheSecondTime(verdict) && facts.before.some(({ reason }) => reason === verdict.reason)
    ? `${verdict.reason} again`
    : undefined;
}

/**
 * Why an answer calls for no further attempt: by its status, unless the server itself says otherwise. Whether the method
 * stands against one is asked later, so that the reason is the true one.
 */
function unasked({ request, retry }: Facts, response: HttpResponse, listen: Listen): string | undefined {
  const { status, verdict } = response;
  if (isListed(request, retry, response)) return vetoIn(listen);
  // A success, or a redirect, is not made a failure by a header.
  const wanted = status >= 400 && listen()?.retry === true;
  return wanted ? undefined : verdict.reason;
}

/** Whether the status calls for another attempt, by the rule or by what it says of the request. */
function isListed(
  { method, idempotencyKey }: HttpRequest,
  retry: Retry,
  { status, headers }: HttpResponse,
): boolean {
  // To a request with a key, a 409 means that its twin is still under way: its answer is what a later one gets.
  if (status === 409 && idempotencyKey !== undefined) return true;
  if (saysUnprocessed(status)) return retry.statusForcelist.has(status);
  const asked = headers.has("retry-after");
  // What has come is no failure: a rule that does not name the method leaves it alone.
  return status < 400 ? retry.isRetry(method, status, asked) : retry.isStatusRetryable(status, asked);
}

/** Whose word it is that there is to be no further attempt. */
function vetoIn(listen: Listen): string | undefined {
  const hint = listen();
  return hint?.retry === false ? hint.source : undefined;
}

/** Whether the address was to blame, and another one is fit: what the status is, and whether it is listed, plays no part. */
function isElsewhere({ proxy }: Facts): boolean {
  return proxy?.proxyAtFault === true && proxy.availableIn === 0;
}

/** Whether a call that is under way has only come before a proxy was fit again. */
function isInterim({ error, before }: Facts): boolean {
  return error instanceof NoProxyError && error.retryAt < Infinity && before.length > 0;
}

/** Whether it was the proxy, as far as is known, that broke what the host said: another one is worth waiting for. */
function isDistorted({ error, proxy }: Facts): boolean {
  return proxy?.proxyAtFault === true && (error instanceof TlsError || error instanceof ProtocolError);
}

/** Why the request must not go out again, whatever came back. */
function unsafe({ request, retry, response, error }: Facts): string | undefined {
  const { again, reason } = maySendAgain(
    request,
    response === undefined ? evidenceOf(error) : evidenceIn(response),
  );
  if (reason === "body-not-replayable") return reason;
  if (reason === "never-arrived" || reason === "not-processed") return undefined;
  // The caller's word counts both ways: it allows a POST that may have arrived, and it forbids a PUT.
  if (retry.isMethodRetryable(request.method)) return undefined;
  return again ? "method-not-allowed" : reason;
}

function evidenceIn({ status }: HttpResponse): Evidence {
  return { mayHaveArrived: true, mayHaveActed: !saysUnprocessed(status), mayBeTouched: true };
}

function evidenceOf(error: unknown): Evidence {
  if (error instanceof TransportError) {
    const { mayHaveArrived, phase } = error;
    return { mayHaveArrived, mayHaveActed: mayHaveArrived, mayBeTouched: !beforeBody.has(phase) };
  }
  // A policy around the attempt refused it: nothing was sent.
  const sent = !(error instanceof RejectedError);
  return { mayHaveArrived: sent, mayHaveActed: sent, mayBeTouched: sent };
}

// Phases in which a body has not been touched.
const beforeBody: ReadonlySet<Phase> = new Set(["dns", "connect", "tls", "proxy"]);

type Counted = { readonly ok: true; readonly value: Retry } | { readonly ok: false; readonly error: unknown };

function count({ request, retry, response, error }: Facts): Counted {
  try {
    const { method, url } = request;
    const event = response === undefined ? { error } : { response: { status: response.status } };
    return { ok: true, value: retry.increment({ method, url: url.href, ...event }) };
  } catch (exhausted) {
    return { ok: false, error: exhausted instanceof RetryError ? exhausted : error };
  }
}

function patience(facts: Facts, left: Retry, listen: Listen): Decision {
  const { retry, now, proxy } = facts;
  if (isElsewhere(facts)) return { again: "yes", retry: left, minimum: 0, source: "proxy" };
  if (proxy?.proxyAtFault === true) return untilFree(facts, left, proxy.availableIn);
  const wish = wishOf(facts, listen);
  if (wish === undefined || wish.delay <= 0)
    return { again: "yes", retry: left, minimum: 0, source: "back-off" };
  if (wish.delay > retry.retryAfterMax && retry.onLongRetryAfter !== "wait") {
    return {
      again: "exhausted",
      reason: `${wish.source}-too-long`,
      cause: undefined,
      retryAt: now + wish.delay,
      asked: wish.delay,
    };
  }
  return { again: "yes", retry: left, minimum: wish.delay, source: wish.source };
}

/** All addresses rest: the back-off holds, and no attempt is made before one of them is fit. */
function untilFree({ retry, now }: Facts, left: Retry, freeIn: number): Decision {
  if (freeIn <= retry.retryAfterMax)
    return { again: "yes", retry: left, minimum: freeIn, source: "back-off" };
  const fitAgain = freeIn === Infinity ? undefined : { retryAt: now + freeIn, asked: freeIn };
  return { again: "exhausted", reason: "no-proxy-in-time", cause: undefined, ...fitAgain };
}

/** When to come back: by the server's or the proxy's word, or by that of a policy which would refuse any earlier attempt. */
function wishOf({ error, now, retry }: Facts, listen: Listen): ServerDelay | undefined {
  if (
    error instanceof CircuitOpenError ||
    error instanceof RateLimitedError ||
    error instanceof NoProxyError
  ) {
    return { delay: error.retryAt - now, source: errorVerdict(error).reason };
  }
  if (error instanceof ProxyError && error.retryAfter !== undefined && retry.respectRetryAfterHeader)
    return parseRetryAfter(error.retryAfter, now);
  const { delay, source = "" } = listen() ?? {};
  return delay === undefined ? undefined : { delay, source };
}
