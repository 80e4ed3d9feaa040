import { type HttpResponse, hasHeader } from "../model/response.ts";
import { readQuotas, type Quota } from "./quota.ts";
import type { Retry } from "../retry/retry.ts";
import type { Hint } from "../retry/dialects/dialect.ts";
import { toBucketName } from "../retry/dialects/bucket-name.ts";
import { parseStructuredItems } from "../retry/dialects/structured-items.ts";
import { retryAfter } from "../retry/dialects/retry-after.ts";
import { findHint, readHint } from "../retry/dialects/hints.ts";
import { judge } from "../retry/judge.ts";

/** The rate limit information of a response. */
export interface LimitSignal {
  readonly status: number;
  readonly hint: Hint | undefined;
  /** The limits that the server announces with remainder and reset. */
  readonly quotas: readonly Quota[];
  /** Whether the request was accepted: the limit is reached, but not exceeded. */
  readonly accepted: boolean;
  /** Whether the server reports a failure such as a 503, not a limit. */
  readonly isServerFailure: boolean;
}

// A delay longer than one day is assumed to be a unit mistake. It applies only to the request that received it.
const longestPause = 86_400_000;

// Servers with limits send at least one of these with every response.
const remainingHeaders = [
  "ratelimit",
  "ratelimit-remaining",
  "x-ratelimit-remaining",
  "x-rate-limit-remaining",
  "x-ratelimit-remaining-requests",
  "x-ratelimit-remaining-tokens",
  "anthropic-ratelimit-requests-remaining",
  "anthropic-ratelimit-tokens-remaining",
  "anthropic-ratelimit-input-tokens-remaining",
  "anthropic-ratelimit-output-tokens-remaining",
];

/**
 * Returns the rate limit that a response shows for further requests, or undefined. `now` is its arrival in milliseconds
 * since 1970. Undefined also if hints are not respected, and for an exhausted quota, where waiting does not help.
 */
export function readLimitSignal(response: HttpResponse, retry: Retry, now: number): LimitSignal | undefined {
  if (!retry.respectRetryAfterHeader) return undefined;
  const { status } = response;
  const signal =
    status < 400 ? signalOfAccepted(response, retry, now) : signalOfRefusal(response, retry, now);
  if (signal === undefined || (signal.hint?.delay ?? 0) > longestPause) return undefined;
  return { ...signal, status, quotas: readQuotas(response, now) };
}

/** Returns whether a response says how much of a limit remains. Hot path: called for every response. */
export function hasRemainingHeader(response: HttpResponse): boolean {
  return remainingHeaders.some((name) => hasHeader(response, name));
}

/** Returns the hint of a failed response that is returned to the caller: an exhausted quota, or when to try again. */
export function readRefusalHint(response: HttpResponse, retry: Retry, now: number): Hint | undefined {
  return response.status >= 400 ? findHint(judge(response), retry.dialects, now) : undefined;
}

// Servers count a request against one to three limits.
const maxBuckets = 20;

/** Returns the buckets that counted the request, according to the response. Ignores names longer than 256 bytes. */
export function bucketNames(response: HttpResponse): readonly string[] {
  const { headers } = response;
  const bucket = headers.get("x-ratelimit-bucket") ?? headers.get("x-ratelimit-resource");
  const field = headers.get("ratelimit");
  const items = bucket !== null || field === null ? [] : (parseStructuredItems(field) ?? []);
  const written = bucket === null ? items.slice(0, maxBuckets).map(({ name }) => name) : [bucket];
  return written.map(toBucketName).filter((name) => name !== undefined);
}

type Meaning = Omit<LimitSignal, "status" | "quotas">;

function signalOfAccepted(response: HttpResponse, { dialects }: Retry, now: number): Meaning | undefined {
  // A Retry-After alone belongs to a redirect, or says when to poll this one resource again.
  if (!hasRemainingHeader(response)) return undefined;
  const { status, headers } = response;
  const reply = { status, headers, now };
  // Some servers send Retry-After with every response. It is the reset of a limit only if nothing remains.
  const spent = readHint(
    reply,
    dialects.filter((dialect) => dialect !== retryAfter),
  );
  if (spent?.delay === undefined) return undefined;
  const hint = readHint(reply, dialects);
  return hint?.kind !== "quota" && (hint?.delay ?? 0) > 0
    ? { hint, accepted: true, isServerFailure: false }
    : undefined;
}

function signalOfRefusal(response: HttpResponse, { dialects }: Retry, now: number): Meaning | undefined {
  const { status, verdict } = response;
  const hint = findHint(judge(response), dialects, now);
  const throttled = verdict.kind === "throttled";
  if (hint?.kind === "quota" || !(throttled || asksToWait(hint))) return undefined;
  const refused = throttled || hint?.retry === true || status >= 500;
  return { hint, accepted: !refused, isServerFailure: status >= 500 && status !== 509 };
}

function asksToWait(hint: Hint | undefined): boolean {
  return hint?.delay !== undefined && hint.delay > 0;
}
