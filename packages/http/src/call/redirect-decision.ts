import { RetryError } from "@holdfast/policy";
import { TooManyRedirectsError } from "../errors/transport-errors.ts";
import { toRedirectRequest } from "../model/redirect-request.ts";
import type { HttpRequest } from "../model/request.ts";
import type { HttpResponse } from "../model/response.ts";
import type { Retry } from "../retry/retry.ts";

/** A response, and what is known when it might send the call elsewhere. */
export interface RedirectInput {
  readonly request: HttpRequest;
  readonly response: HttpResponse;
  /** What is left of the retries. */
  readonly retry: Retry;
  /** Redirects that the call has followed. */
  readonly followed: number;
  /** The most that it may follow, and its own `redirect` allows; null leaves it to all counters of the retry, as urllib3 does. */
  readonly maxRedirects: number | null;
  readonly sensitiveHeaders: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Milliseconds until the call must have ended. */
  readonly timeLeft: number;
}

/** What follows a response that may be a redirect. */
export type RedirectDecision =
  /** The response is the last word; `late` where the server asks for more patience than there is: how much, and until when. */
  | {
      readonly follow: false;
      readonly tooLate?: { readonly retryAt: number; readonly requestedDelay: number };
    }
  /** The call goes on after `delay` milliseconds: a Retry-After on a redirect is a minimum (RFC 9110 §10.2.3). */
  | { readonly follow: true; readonly request: HttpRequest; readonly retry: Retry; readonly delay: number };

const returnResponse: RedirectDecision = { follow: false };

/**
 * Says where a redirect leads, and when.
 *
 * @throws TooManyRedirectsError, or RetryError where the counters alone decide; for those only where the retry says
 * `raiseOnRedirect`.
 */
export function decideRedirect(arrival: RedirectInput): RedirectDecision {
  const { request, response, retry, maxRedirects } = arrival;
  if (maxRedirects === 0) return returnResponse;
  const location = singleLocation(response.headers.getAll("location"));
  const sensitive = [...arrival.sensitiveHeaders, ...retry.removeHeadersOnRedirect];
  const next = toRedirectRequest(request, { status: response.status, location }, sensitive);
  // A stream that was sent cannot be sent elsewhere: the redirect itself is the answer.
  if (!next.follow || next.request.body.kind === "one-shot") return returnResponse;
  const left = countRedirect(arrival, next.request);
  return left === undefined ? returnResponse : withDelay(arrival, next.request, left);
}

/** Where a redirect names two places, somebody has slipped one of them in: neither is gone to. */
function singleLocation([location, ...others]: readonly string[]): string | undefined {
  return others.every((other) => other === location) ? location : undefined;
}

function withDelay(
  { response, retry, now, timeLeft }: RedirectInput,
  request: HttpRequest,
  left: Retry,
): RedirectDecision {
  const delay = retry.requestedDelay(response.headers.get("retry-after"), now);
  const tooLong = delay > 0 && (delay > retry.retryAfterMax || delay >= timeLeft);
  return tooLong
    ? { follow: false, tooLate: { retryAt: now + delay, requestedDelay: delay } }
    : { follow: true, request, retry: left, delay };
}

/** @throws TooManyRedirectsError; RetryError where the counters alone decide. */
function countRedirect(arrival: RedirectInput, next: HttpRequest): Retry | undefined {
  const { retry, followed, maxRedirects } = arrival;
  if (maxRedirects === null) return countByRetry(arrival, next);
  if (followed >= maxRedirects) throw new TooManyRedirectsError(maxRedirects, next.url.href);
  // `total` is for the retries here: a session that gives up after three of them follows thirty redirects.
  if (retry.redirect === null) return retry;
  if (Number(retry.redirect) > 0) return retry.new({ redirect: Number(retry.redirect) - 1 });
  if (retry.raiseOnRedirect) throw new TooManyRedirectsError(followed, next.url.href);
  return undefined;
}

function countByRetry({ request, response, retry }: RedirectInput, next: HttpRequest): Retry | undefined {
  try {
    const { method, url } = request;
    return retry.increment({
      method,
      url: url.href,
      response: { status: response.status, redirectLocation: next.url.href },
    });
  } catch (error) {
    if (retry.raiseOnRedirect || !(error instanceof RetryError)) throw error;
    return undefined;
  }
}
