import { RetryError } from "@holdfast/policy";
import { TooManyRedirectsError } from "../errors/transport-errors.ts";
import { toRedirectRequest } from "../model/redirect-request.ts";
import type { HttpRequest } from "../model/request.ts";
import type { HttpResponse } from "../model/response.ts";
import type { Retry } from "../retry/retry.ts";

/** A response that may be a redirect, and the state of its call. */
export interface RedirectInput {
  readonly request: HttpRequest;
  readonly response: HttpResponse;
  /** The retries that remain. */
  readonly retry: Retry;
  /** Redirects that the call has followed. */
  readonly followed: number;
  /** The limit, if `redirect` of the retry is not lower; null applies all counters of the retry, as urllib3 does. */
  readonly maxRedirects: number | null;
  readonly sensitiveHeaders: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Milliseconds until the call must have ended. */
  readonly timeLeft: number;
}

/** Whether the redirect is followed. */
export type RedirectDecision =
  /** The response is returned. `tooLate` is set if the server asks for a longer wait than the call allows. */
  | {
      readonly follow: false;
      readonly tooLate?: { readonly retryAt: number; readonly requestedDelay: number };
    }
  /** The call continues after `delay` milliseconds: Retry-After on a redirect is a minimum (RFC 9110 §10.2.3). */
  | { readonly follow: true; readonly request: HttpRequest; readonly retry: Retry; readonly delay: number };

const returnResponse: RedirectDecision = { follow: false };

/**
 * Decides whether a redirect is followed, with which request, and when.
 *
 * @throws TooManyRedirectsError for more than `maxRedirects`; with `raiseOnRedirect`, TooManyRedirectsError for more than
 * `redirect` of the retry, or RetryError if its counters alone decide.
 */
export function decideRedirect(input: RedirectInput): RedirectDecision {
  const { request, response, retry, maxRedirects } = input;
  if (maxRedirects === 0) return returnResponse;
  const location = singleLocation(response.headers.getAll("location"));
  const sensitive = [...input.sensitiveHeaders, ...retry.removeHeadersOnRedirect];
  const next = toRedirectRequest(request, { status: response.status, location }, sensitive);
  // A stream that was sent cannot be sent again, so the redirect itself is returned.
  if (!next.follow || next.request.body.kind === "one-shot") return returnResponse;
  const remaining = countRedirect(input, next.request);
  return remaining === undefined ? returnResponse : withDelay(input, next.request, remaining);
}

/** Returns the one Location. Two different ones are a sign of header injection, and neither is followed. */
function singleLocation([location, ...others]: readonly string[]): string | undefined {
  return others.every((other) => other === location) ? location : undefined;
}

function withDelay(
  { response, retry, now, timeLeft }: RedirectInput,
  request: HttpRequest,
  remaining: Retry,
): RedirectDecision {
  const delay = retry.requestedDelay(response.headers.get("retry-after"), now);
  const tooLong = delay > 0 && (delay > retry.retryAfterMax || delay >= timeLeft);
  return tooLong
    ? { follow: false, tooLate: { retryAt: now + delay, requestedDelay: delay } }
    : { follow: true, request, retry: remaining, delay };
}

/** Returns the retries that remain after this redirect; undefined if none may follow. */
function countRedirect(input: RedirectInput, next: HttpRequest): Retry | undefined {
  const { retry, followed, maxRedirects } = input;
  if (maxRedirects === null) return countByRetry(input, next);
  if (followed >= maxRedirects) throw new TooManyRedirectsError(maxRedirects, next.url.href);
  // `total` counts retries only: a session that gives up after three retries still follows thirty redirects.
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
