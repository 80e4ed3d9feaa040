import type { Clock } from "@holdfast/policy";
import type { Adapter } from "../adapter/adapter.ts";
import { askedOf } from "../model/request-summary.ts";
import { summaryOf, type AttemptRecord } from "../model/attempt-record.ts";
import type { Call } from "./call.ts";
import type { Exchange } from "./retry-policy.ts";
import { tellGiveUp } from "../telemetry/diagnostics.ts";
import { isFailure, witness } from "../telemetry/call-failure.ts";
import { giveUpOf } from "../telemetry/give-up.ts";
import { nextHop, type Hop } from "./redirect-decision.ts";
import { lacksBody, whole } from "./unread-body.ts";
import type { Prepared } from "./build-request.ts";
import { isRedirectStatus, leavesOrigin } from "../model/redirect-request.ts";
import type { HttpRequest } from "../model/request.ts";
import type { HttpResponse } from "../model/response.ts";
import type { Retry } from "../retry/retry.ts";
import { errorVerdict } from "../model/verdict.ts";
import type { Terms } from "./terms.ts";

/** A request of a call; after a redirect, with what is left of the call. */
export interface Onward extends Prepared {
  readonly left?: Leftover;
}

/** What the request before left of the retries, who sent it, and what it tells. */
export interface Leftover {
  readonly call: Call;
  readonly adapter: Adapter;
  readonly retry: Retry;
}

/** A request and what came of it. */
interface Arrived {
  readonly request: HttpRequest;
  readonly call: Call;
  readonly response: HttpResponse;
}

/** How a session makes the requests of a call. */
export interface Requests {
  readonly clock: Clock;
  adapterFor(url: URL): Adapter;
  callFor(onward: Onward, terms: Terms): Call;
  send(call: Call, terms: Terms): Promise<Exchange>;
}

/**
 * Goes where a redirect leads, and on from there; gives the first answer that leads nowhere, with those before it.
 *
 * @throws TooManyRedirectsError; what a request throws, with the redirects that led to it.
 */
export async function followRedirects(
  first: Prepared & Arrived,
  terms: Terms,
  requests: Requests,
): Promise<HttpResponse> {
  const history: HttpResponse[] = [];
  let { request, call, response } = first;
  for (;;) {
    const hop = hopAfter(
      { request, call, response },
      { terms, clock: requests.clock, followed: history.length },
    );
    if (!hop.follow) return (await stay({ request, call, response }, hop)).redirectedFrom(history);
    call.redirected(redirectedAfter(hop.delay));
    await response.discard();
    if (hop.delay > 0) await requests.clock.sleep(hop.delay, terms.signal);
    history.push(response);
    const left: Leftover = { adapter: requests.adapterFor(request.url), retry: hop.retry, call };
    request = hop.request;
    const auth = leavesOrigin(first.request.url, request.url) ? undefined : first.auth;
    call = requests.callFor({ request, auth, left }, terms);
    response = await arrive(call, { terms, requests, history });
  }
}

/** Hands out the answer that is not gone on from, with its body. */
async function stay(
  { call, response }: Arrived,
  { late }: Extract<Hop, { follow: false }>,
): Promise<HttpResponse> {
  if (late !== undefined) call.tooLate(late);
  else if (isRedirectStatus(response.status)) call.tellEnd();
  const { error } = await whole({ call, response });
  return error === undefined ? response : call.finish({ call, error });
}

interface Way {
  readonly terms: Terms;
  readonly requests: Requests;
  readonly history: readonly HttpResponse[];
}

/** Makes a further request of a call; an error tells of the redirects that led to it. */
async function arrive(call: Call, { terms, requests, history }: Way): Promise<HttpResponse> {
  try {
    const exchange = await requests.send(call, terms);
    return call.finish(lacksBody(exchange) ? await whole(exchange) : exchange);
  } catch (error) {
    throw isFailure(error) ? Object.assign(error, { history }) : error;
  }
}

interface Circumstances {
  readonly terms: Terms;
  readonly clock: Clock;
  /** Redirects so far. */
  readonly followed: number;
}

function hopAfter({ request, call, response }: Arrived, { terms, clock, followed }: Circumstances): Hop {
  const { retry } = call;
  const { hooks, maxRedirects, sensitiveHeaders, deadline } = terms;
  const [now, timeLeft] = [clock.date(), deadline - clock.now()];
  try {
    return nextHop({ request, response, retry, followed, maxRedirects, sensitiveHeaders, now, timeLeft });
  } catch (error) {
    void response.discard();
    const verdict = tooManyRedirects;
    const decision = `not-retried: ${verdict.reason}`;
    call.redirected({ decision });
    const { attempts, elapsed } = response;
    const ending = { status: response.status, error: summaryOf(error), verdict, decision };
    tellGiveUp({ hooks, request }, () => giveUpOf(ending, response));
    throw witness(error, { request: askedOf(request), attempts, elapsed, verdict, response });
  }
}

function redirectedAfter(
  delay: number,
): Pick<AttemptRecord, "decision" | "delay" | "requestedDelay" | "delaySource"> {
  const asked = { delay, requestedDelay: delay, delaySource: "retry-after" };
  return { decision: "redirected", ...(delay > 0 && asked) };
}

const tooManyRedirects = errorVerdict({ code: "ERR_TOO_MANY_REDIRECTS" });
