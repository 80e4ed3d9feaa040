import { type HttpResponse, hasHeader } from "../model/response.ts";
import type { Retry } from "../retry/retry.ts";
import type { Hint } from "../retry/dialects/dialect.ts";
import { parseStructuredItems } from "../retry/dialects/structured-items.ts";
import { findHint, readHint } from "../retry/dialects/hints.ts";

/** What an answer says of a limit. */
export interface LimitSignal {
  readonly hint: Hint | undefined;
  /** Whether the request was accepted, and was only the last one for now. */
  readonly accepted: boolean;
  /** Whether it is trouble that the server speaks of, such as a 503, rather than a limit. */
  readonly trouble: boolean;
}

// What one answer says may close a host for a day, and not for the years that a slip of the unit makes of it.
const longestPause = 86_400_000;

// Servers with limits write at least one of these with every answer.
const remaining = [
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
 * Says what an answer, come at the instant `now` (milliseconds since 1970), tells of a limit that concerns whoever asks
 * next; undefined when it tells nothing, or may not be listened to. A money limit that no waiting lifts is none.
 */
export function readLimitSignal(response: HttpResponse, retry: Retry, now: number): LimitSignal | undefined {
  if (!retry.respectRetryAfterHeader) return undefined;
  const word = response.status < 400 ? spent(response, retry, now) : refusal(response, retry, now);
  return (word?.hint?.delay ?? 0) > longestPause ? undefined : word;
}

/** Whether an answer tells how much of a limit remains: a quick look, for every answer. */
export function hasRemainingHeader(response: HttpResponse): boolean {
  return remaining.some((name) => hasHeader(response, name));
}

/** What an answer that is given back says of later: that an allowance is used up for good, or when to ask again. */
export function readRefusalHint(response: HttpResponse, retry: Retry, now: number): Hint | undefined {
  return response.status >= 400 ? findHint(response, retry.dialects, now) : undefined;
}

/** The buckets that an answer names as those which its request was counted in, spent or not. */
export function bucketNames(response: HttpResponse): readonly string[] {
  const { headers } = response;
  const own = headers.get("x-ratelimit-bucket") ?? headers.get("x-ratelimit-resource");
  if (own !== null) return [own];
  const field = headers.get("ratelimit");
  return field === null ? [] : (parseStructuredItems(field) ?? []).map(({ name }) => name);
}

function spent(response: HttpResponse, { dialects }: Retry, now: number): LimitSignal | undefined {
  // A Retry-After alone is the redirect's own, or says when to look again at this one resource.
  if (!hasRemainingHeader(response)) return undefined;
  const { status, headers } = response;
  const hint = readHint({ status, headers, now }, dialects);
  return hint?.kind !== "quota" && (hint?.delay ?? 0) > 0
    ? { hint, accepted: true, trouble: false }
    : undefined;
}

function refusal(response: HttpResponse, { dialects }: Retry, now: number): LimitSignal | undefined {
  const { status, verdict } = response;
  const hint = findHint(response, dialects, now);
  const throttled = verdict.kind === "throttled";
  if (hint?.kind === "quota" || !(throttled || asksToWait(hint))) return undefined;
  const refused = throttled || hint?.retry === true || status >= 500;
  return { hint, accepted: !refused, trouble: status >= 500 && status !== 509 };
}

function asksToWait(hint: Hint | undefined): boolean {
  return hint?.delay !== undefined && hint.delay > 0;
}
