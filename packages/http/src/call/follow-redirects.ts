import { summarizeError, type AttemptRecord } from "../model/attempt-record.ts";
import { isRedirectStatus, leavesOrigin } from "../model/redirect-request.ts";
import type { HttpRequest } from "../model/request.ts";
import { summarizeRequest } from "../model/request-summary.ts";
import { setHistory, type HttpResponse } from "../model/response.ts";
import { discardBody } from "../model/streamed-response.ts";
import { errorVerdict } from "../model/verdict.ts";
import { isFailure, attachCallInfo } from "../telemetry/call-failure.ts";
import { reportGiveUp } from "../telemetry/diagnostics.ts";
import { toGiveUp } from "../telemetry/give-up.ts";
import type { PreparedRequest } from "./build-request.ts";
import type { Call } from "./call.ts";
import type { CallFactory } from "./call-factory.ts";
import type { CallContext } from "./context.ts";
import { decideRedirect, type RedirectDecision } from "./redirect-decision.ts";
import type { RetryLoop } from "./retry-loop.ts";
import { isBodyUnread, readUnreadBody } from "./unread-body.ts";

/** A request, its call and the response. */
interface ReceivedResponse {
  readonly request: HttpRequest;
  readonly call: Call;
  readonly response: HttpResponse;
}

/** The parts that make and send the next requests. */
interface RedirectParts {
  readonly context: CallContext;
  readonly calls: CallFactory;
  readonly loop: RetryLoop;
}

/**
 * Follows redirects, and returns the first response that is not followed, with the redirects before it as its `history`.
 *
 * @throws TooManyRedirectsError; the error of a request, with the redirects before it as its `history`.
 */
export async function followRedirects(
  first: PreparedRequest & ReceivedResponse,
  { context, calls, loop }: RedirectParts,
): Promise<HttpResponse> {
  const { suspension } = context;
  const history: HttpResponse[] = suspension === undefined ? [] : [...suspension.history];
  let { call, response } = first;
  // A call that was suspended continues behind its redirects.
  let { request } = call;
  for (;;) {
    const next = decideNext({ request, call, response }, context, history.length);
    if (!next.follow) {
      const last = await returnRedirectResponse({ request, call, response }, next);
      setHistory(last, history);
      return last;
    }
    call.recordRedirect(redirectRecord(next.delay));
    await discardBody(response);
    history.push(response);
    const remaining = { adapter: calls.adapterFor(request.url), retry: next.retry, call };
    request = next.request;
    const auth = isElsewhere(first.request, request) ? undefined : first.auth;
    call = calls.create({ request, auth, remaining }, context);
    suspension?.follow(call, response, next.delay);
    if (next.delay > 0) await context.clock.sleep(next.delay, context.signal);
    response = await sendNext(call, { context, loop, history });
  }
}

/** Returns whether another server than the first receives the request, which may be at a Unix socket. */
export function isElsewhere(first: HttpRequest, next: HttpRequest): boolean {
  return first.socketPath !== next.socketPath || leavesOrigin(first.url, next.url);
}

/** Returns the redirect response that is not followed, after reading its body. */
async function returnRedirectResponse(
  { call, response }: ReceivedResponse,
  { tooLate }: Extract<RedirectDecision, { follow: false }>,
): Promise<HttpResponse> {
  if (tooLate !== undefined) call.recordLongRetryAfter(tooLate);
  else if (isRedirectStatus(response.status)) call.reportEnd();
  const { error } = await readUnreadBody({ call, response });
  return error === undefined ? response : call.finish({ call, error });
}

/** Sends the next request of a call. An error gets the redirects before it as its `history`. */
async function sendNext(
  call: Call,
  {
    context,
    loop,
    history,
  }: Pick<RedirectParts, "context" | "loop"> & { readonly history: readonly HttpResponse[] },
): Promise<HttpResponse> {
  try {
    const result = await loop.run(call, context);
    return call.finish(isBodyUnread(result) ? await readUnreadBody(result) : result);
  } catch (error) {
    throw isFailure(error) ? Object.assign(error, { history }) : error;
  }
}

/** @throws TooManyRedirectsError or RetryError, with the properties of a `Failure`. */
function decideNext(
  { request, call, response }: ReceivedResponse,
  context: CallContext,
  followed: number,
): RedirectDecision {
  const { retry } = call;
  const { clock, hooks, maxRedirects, sensitiveHeaders, deadline } = context;
  const [now, timeLeft] = [clock.date(), deadline - clock.now()];
  try {
    return decideRedirect({
      request,
      response,
      retry,
      followed,
      maxRedirects,
      sensitiveHeaders,
      now,
      timeLeft,
    });
  } catch (error) {
    void discardBody(response);
    const verdict = tooManyRedirectsVerdict;
    const decision = `not-retried: ${verdict.reason}`;
    call.recordRedirect({ decision });
    const { attempts, elapsed } = response;
    const end = { status: response.status, error: summarizeError(error), verdict, decision };
    reportGiveUp({ hooks, request }, () => toGiveUp(end, response));
    throw attachCallInfo(error, { request: summarizeRequest(request), attempts, elapsed, verdict, response });
  }
}

function redirectRecord(
  delay: number,
): Pick<AttemptRecord, "decision" | "delay" | "requestedDelay" | "delaySource"> {
  const requested = { delay, requestedDelay: delay, delaySource: "retry-after" };
  return { decision: "redirected", ...(delay > 0 && requested) };
}

const tooManyRedirectsVerdict = errorVerdict({ code: "ERR_TOO_MANY_REDIRECTS" });
