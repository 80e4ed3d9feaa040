import { BulkheadFullError, CircuitOpenError, RateLimitedError } from "@holdfast/policy";
import { NoProxyError, ProxyError } from "../errors/transport-errors.ts";
import type { HttpResponse } from "../model/response.ts";
import { errorMeaning } from "../model/meaning.ts";
import { findHint } from "./dialects/hints.ts";
import { judge } from "./judge.ts";
import type { AttemptFacts } from "./retry-decision.ts";
import type { Retry } from "./retry.ts";
import { isOtherProxyAvailable, type RetryDecision } from "./rules.ts";

/** A wait that a call does not decide about by its own back-off. */
export interface Park {
  /** When the call can continue, in milliseconds since 1970. */
  readonly until: number;
  /** What waits: this request alone, every request to the host, or every request that needs a proxy. */
  readonly scope: "line" | "host" | "proxy";
  readonly source: string;
  /** Whether the server, the proxy or a policy named the time. */
  readonly isStated: boolean;
  /** Whether the attempt was sent. Otherwise it is not recorded. */
  readonly wasSent: boolean;
  /** Whether the attempt counts as one of the call. */
  readonly counts: boolean;
  /** The retries with which the call continues. */
  readonly retry: Retry;
}

// A place in a bulkhead is free when another call ends, which is soon.
const bulkheadPause = 100;
// The shortest first pause after a 429 that names none.
const minPause = 100;

/**
 * Returns the wait after an attempt of a call that is suspended: one that a server or a proxy asked for, or a rejection by a
 * policy or a rate limit. Undefined for a result that is final, for a back-off, and for an attempt that follows immediately.
 *
 * The attempt that met a limit of the host does not count: the call continues with the same retries. `parks` is
 * the number of such waits so far.
 */
export function findPark(facts: AttemptFacts, decision: RetryDecision, parks: number): Park | undefined {
  if (facts.response === undefined) return parkOfError(facts) ?? parkByDecision(facts, decision);
  if (decision.again === "no" || isOtherProxyAvailable(facts)) return undefined;
  const throttled = isPooled(facts) ? undefined : parkOfThrottled(facts, facts.response, parks);
  return throttled ?? parkByDecision(facts, decision);
}

/** A rejection before anything was sent. */
function parkOfError({ error, now, retry }: AttemptFacts): Park | undefined {
  const unsent = { wasSent: false, counts: false, retry };
  if (error instanceof BulkheadFullError)
    return { until: now + bulkheadPause, scope: "host", source: "bulkhead-full", isStated: false, ...unsent };
  if (error instanceof CircuitOpenError || error instanceof RateLimitedError)
    return { ...stated(error.retryAt, "host", errorMeaning(error).reason), ...unsent };
  // Without any proxy for good, there is nothing to wait for.
  if (error instanceof NoProxyError && error.retryAt < Infinity)
    return { ...stated(error.retryAt, "proxy", errorMeaning(error).reason), ...unsent };
  return undefined;
}

/** A 429, a 503 with a time, or another response with the headers of a rate limit: the host limits all requests. */
function parkOfThrottled(
  { retry, now }: AttemptFacts,
  response: HttpResponse,
  parks: number,
): Park | undefined {
  const hint = retry.respectRetryAfterHeader ? findHint(judge(response), retry.dialects, now) : undefined;
  const { delay = 0, source = "" } = hint ?? {};
  const isThrottled = response.verdict.kind === "throttled";
  const counted = { wasSent: true, counts: false, retry };
  if (delay > 0 && (isThrottled || response.status === 503 || source !== "retry-after"))
    return { ...stated(now + delay, "host", source), ...counted };
  if (!isThrottled) return undefined;
  const pause = Math.min(retry.backoffMax, Math.max(retry.backoffFactor, minPause) * 2 ** parks);
  const byStatus = `status ${response.status}`;
  return { until: now + pause, scope: "host", source: byStatus, isStated: false, ...counted };
}

/** A wait that the decision has from the server, or from the pool. */
function parkByDecision(facts: AttemptFacts, decision: RetryDecision): Park | undefined {
  const delay = requestedDelay(decision);
  if (decision.again === "no" || delay === undefined || delay === Infinity) return undefined;
  const isOfProxy = isPooled(facts) || facts.error instanceof ProxyError;
  return {
    ...stated(facts.now + delay, isOfProxy ? "proxy" : "line", sourceOf(facts, decision)),
    wasSent: true,
    counts: true,
    retry: decision.retry ?? facts.retry,
  };
}

function sourceOf({ proxy }: AttemptFacts, decision: Exclude<RetryDecision, { again: "no" }>): string {
  if (proxy?.proxyAtFault === true) return "no-proxy";
  return decision.again === "yes" ? decision.source : decision.reason.replace(/-too-long$/, "");
}

function requestedDelay(decision: RetryDecision): number | undefined {
  if (decision.again === "no") return undefined;
  if (decision.again === "exhausted") return decision.requestedDelay;
  return decision.minimum > 0 ? decision.minimum : undefined;
}

function isPooled({ proxy }: AttemptFacts): boolean {
  return proxy !== undefined;
}

function stated(
  until: number,
  scope: Park["scope"],
  source: string,
): Pick<Park, "until" | "scope" | "source" | "isStated"> {
  return { until, scope, source, isStated: true };
}
