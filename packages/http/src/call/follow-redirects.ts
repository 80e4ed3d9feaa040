import { discardBody } from "../model/streamed-response.ts";
import type { Clock } from "@holdfast/policy";
import type { Adapter } from "../adapter/adapter.ts";
import { summarizeRequest } from "../model/request-summary.ts";
import { summarizeError, type AttemptRecord } from "../model/attempt-record.ts";
import type { Call } from "./call.ts";
import type { AttemptResult } from "./retry-policy.ts";
import { reportGiveUp } from "../telemetry/diagnostics.ts";
import { isFailure, attachCallInfo } from "../telemetry/call-failure.ts";
import { toGiveUp } from "../telemetry/give-up.ts";
import { decideRedirect, type RedirectDecision } from "./redirect-decision.ts";
import { isBodyUnread, readUnreadBody } from "./unread-body.ts";
import type { PreparedRequest } from "./build-request.ts";
import { isRedirectStatus, leavesOrigin } from "../model/redirect-request.ts";
import type { HttpRequest } from "../model/request.ts";
import { type HttpResponse, setHistory } from "../model/response.ts";
import type { Retry } from "../retry/retry.ts";
import { errorVerdict } from "../model/verdict.ts";
import type { CallContext } from "./terms.ts";

/** A request of a call; after a redirect, with what is left of the call. */
export interface NextRequest extends PreparedRequest {
  readonly left?: RemainingRetries;
}

/** What the request before left of the retries, who sent it, and what it tells. */
export interface RemainingRetries {
  readonly call: Call;
  readonly adapter: Adapter;
  readonly retry: Retry;
}

/** A request and what came of it. */
interface ReceivedResponse {
  readonly request: HttpRequest;
  readonly call: Call;
  readonly response: HttpResponse;
}

/** How a session makes the requests of a call. */
export interface Requests {
  readonly clock: Clock;
  adapterFor(url: URL): Adapter;
  callFor(onward: NextRequest, terms: CallContext): Call;
  send(call: Call, terms: CallContext): Promise<AttemptResult>;
}

/**
 * Goes where a redirect leads, and on from there; gives the first answer that leads nowhere, with those before it.
 *
 * @throws TooManyRedirectsError; what a request throws, with the redirects that led to it.
 */
export async function followRedirects(
  first: PreparedRequest & ReceivedResponse,
  terms: CallContext,
  requests: Requests,
): Promise<HttpResponse> {
  const history: HttpResponse[] = [];
  let { request, call, response } = first;
  for (;;) {
    const hop = decideNext(
      { request, call, response },
      { terms, clock: requests.clock, followed: history.length },
    );
    if (!hop.follow) {
      const last = await returnRedirectResponse({ request, call, response }, hop);
      setHistory(last, history);
      return last;
    }
    call.redirected(redirectRecord(hop.delay));
    await discardBody(response);
    if (hop.delay > 0) await requests.clock.sleep(hop.delay, terms.signal);
    history.push(response);
    const left: RemainingRetries = { adapter: requests.adapterFor(request.url), retry: hop.retry, call };
    request = hop.request;
    const auth = leavesOrigin(first.request.url, request.url) ? undefined : first.auth;
    call = requests.callFor({ request, auth, left }, terms);
    response = await sendNext(call, { terms, requests, history });
  }
}

/** Hands out the answer that is not gone on from, with its body. */
async function returnRedirectResponse(
  { call, response }: ReceivedResponse,
  { late }: Extract<RedirectDecision, { follow: false }>,
): Promise<HttpResponse> {
  if (late !== undefined) call.tooLate(late);
  else if (isRedirectStatus(response.status)) call.tellEnd();
  const { error } = await readUnreadBody({ call, response });
  return error === undefined ? response : call.finish({ call, error });
}

interface Way {
  readonly terms: CallContext;
  readonly requests: Requests;
  readonly history: readonly HttpResponse[];
}

/** Makes a further request of a call; an error tells of the redirects that led to it. */
async function sendNext(call: Call, { terms, requests, history }: Way): Promise<HttpResponse> {
  try {
    const exchange = await requests.send(call, terms);
    return call.finish(isBodyUnread(exchange) ? await readUnreadBody(exchange) : exchange);
  } catch (error) {
    throw isFailure(error) ? Object.assign(error, { history }) : error;
  }
}

interface RedirectState {
  readonly terms: CallContext;
  readonly clock: Clock;
  /** Redirects so far. */
  readonly followed: number;
}

function decideNext(
  { request, call, response }: ReceivedResponse,
  { terms, clock, followed }: RedirectState,
): RedirectDecision {
  const { retry } = call;
  const { hooks, maxRedirects, sensitiveHeaders, deadline } = terms;
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
    call.redirected({ decision });
    const { attempts, elapsed } = response;
    const ending = { status: response.status, error: summarizeError(error), verdict, decision };
    reportGiveUp({ hooks, request }, () => toGiveUp(ending, response));
    throw attachCallInfo(error, { request: summarizeRequest(request), attempts, elapsed, verdict, response });
  }
}

function redirectRecord(
  delay: number,
): Pick<AttemptRecord, "decision" | "delay" | "requestedDelay" | "delaySource"> {
  const asked = { delay, requestedDelay: delay, delaySource: "retry-after" };
  return { decision: "redirected", ...(delay > 0 && asked) };
}

const tooManyRedirectsVerdict = errorVerdict({ code: "ERR_TOO_MANY_REDIRECTS" });
