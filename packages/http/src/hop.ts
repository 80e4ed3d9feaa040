import { RetryError } from "@holdfast/policy";
import { TooManyRedirectsError } from "./errors.ts";
import { redirected } from "./redirects.ts";
import type { HttpRequest } from "./request.ts";
import type { Response } from "./response.ts";
import type { Retry } from "./retry/retry.ts";

/** A response, and what is known when it might send the call elsewhere. */
export interface Arrival {
  readonly request: HttpRequest;
  readonly response: Response;
  /** What is left of the retries. */
  readonly retry: Retry;
  /** Redirects that the call has followed. */
  readonly followed: number;
  /** The most that it may follow; null leaves it to the counters of the retry, as urllib3 does. */
  readonly maxRedirects: number | null;
  readonly sensitiveHeaders: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Where a call goes on, and after what delay in milliseconds: a Retry-After on a redirect is a minimum (RFC 9110 §10.2.3). */
export interface Hop {
  readonly request: HttpRequest;
  readonly retry: Retry;
  readonly delay: number;
}

/**
 * Says where a redirect leads; undefined when the response is the last word.
 *
 * @throws TooManyRedirectsError, or RetryError where the retry counts redirects and says `raiseOnRedirect`.
 */
export function nextHop(arrival: Arrival): Hop | undefined {
  const { request, response, retry, maxRedirects, now } = arrival;
  if (maxRedirects === 0) return undefined;
  const location = response.headers.getAll("location")[0];
  const sensitive = [...arrival.sensitiveHeaders, ...retry.removeHeadersOnRedirect];
  const next = redirected(request, { status: response.status, location }, sensitive);
  // A stream that was sent cannot be sent elsewhere: the redirect itself is the answer.
  if (!next.follow || next.request.body.kind === "one-shot") return undefined;
  const left = countHop(arrival, next.request);
  if (left === undefined) return undefined;
  const retryAfter = response.headers.get("retry-after") ?? undefined;
  return { request: next.request, retry: left, delay: retry.getSleepTime({ retryAfter, redirected: true }, now) };
}

function countHop({ request, response, retry, followed, maxRedirects }: Arrival, next: HttpRequest): Retry | undefined {
  if (maxRedirects !== null) {
    if (followed < maxRedirects) return retry;
    throw new TooManyRedirectsError(maxRedirects, next.url.href);
  }
  try {
    const { method, url } = request;
    return retry.increment({ method, url: url.href, response: { status: response.status, redirectLocation: next.url.href } });
  } catch (error) {
    if (retry.raiseOnRedirect || !(error instanceof RetryError)) throw error;
    return undefined;
  }
}
