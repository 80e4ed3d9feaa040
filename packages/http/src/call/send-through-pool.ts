import type { Clock } from "@holdfast/policy";
import type { AttemptContext } from "./context.ts";
import { sendAttempt } from "./send-attempt.ts";
import type { SendOptions } from "../adapter/adapter.ts";
import { ProxyError } from "../errors/transport-errors.ts";
import type { ProxyAttemptRecord, ProxyLease } from "../model/proxy-provider.ts";
import type { ProviderRoute } from "../proxy/route/route.ts";
import type { HttpRequest } from "../model/request.ts";
import { setVerdict, type HttpResponse } from "../model/response.ts";
import { findHint } from "../retry/dialects/hints.ts";
import { judge } from "../retry/judge.ts";
import { parseRetryAfter } from "../retry/retry-after.ts";
import type { Retry } from "../retry/retry.ts";

/** A request to send through a proxy of a pool. */
export interface PooledRequest {
  readonly route: ProviderRoute;
  readonly request: HttpRequest;
  readonly context: AttemptContext;
  readonly options: SendOptions;
  /** Has the dialects in which the delay that a host requests is read. */
  readonly retry: Retry;
  /** The clock of the session, for the wait for a proxy. */
  readonly clock: Clock;
  /** Whether the request may wait for a proxy. */
  readonly mayWait: boolean;
}

/** The lease of an attempt, and its context with the cookies of the identity. */
export interface PooledAttempt {
  readonly lease: ProxyLease;
  readonly context: AttemptContext;
}

/**
 * Sends a request once through a proxy of a pool, and reports the result to the pool. `onLeased` receives the lease, unless
 * the attempt was aborted.
 *
 * @throws NoProxyError when no proxy is available; the errors of `sendAttempt`.
 */
export async function sendThroughPool(
  attempt: PooledRequest,
  onLeased: (pooled: PooledAttempt) => void,
): Promise<HttpResponse> {
  const { route, request, options, clock, mayWait } = attempt;
  const { provider, country, identity } = route;
  const { url, method, headers } = request;
  const { signal, deadline } = options;
  const { total } = options.timeouts;
  const lease = await provider.lease({
    url,
    method,
    headers,
    country,
    identity,
    signal,
    deadline,
    total,
    clock,
    mayWait,
  });
  const context = { ...attempt.context, ...(lease.identity && { cookies: lease.identity.cookies }) };
  try {
    const response = await sendAttempt(withIdentityHeaders(request, lease), context, {
      ...options,
      proxy: lease.url,
    });
    const verdict = await provider.report(lease, toRecord({ response }, attempt, lease));
    if (verdict !== undefined) setVerdict(response, verdict);
    onLeased({ lease, context });
    return response;
  } catch (error) {
    const aborted = signal?.aborted === true;
    if (!aborted) await provider.report(lease, toRecord({ error }, attempt, lease));
    lease[Symbol.dispose]();
    if (!aborted) onLeased({ lease, context });
    throw error;
  }
}

function withIdentityHeaders(request: HttpRequest, { identity }: ProxyLease): HttpRequest {
  const userAgent = identity?.userAgent;
  return userAgent === undefined
    ? request
    : { ...request, headers: { ...request.headers, "user-agent": userAgent } };
}

function toRecord(
  result: { readonly response: HttpResponse } | { readonly error: unknown },
  { retry, clock, request, context: { adapter }, options }: PooledRequest,
  lease: ProxyLease,
): ProxyAttemptRecord {
  return {
    ...result,
    ...(adapter.testTunnel !== undefined && {
      testTunnel: async () => adapter.testTunnel?.(request.url, { ...options, proxy: lease.url }),
    }),
    requestedDelay: () =>
      "response" in result
        ? findHint(judge(result.response), retry.dialects, clock.date())?.delay
        : delayRequestedByProxy(result.error, clock.date()),
  };
}

function delayRequestedByProxy(error: unknown, now: number): number | undefined {
  const retryAfter = error instanceof ProxyError ? error.retryAfter : undefined;
  return retryAfter === undefined ? undefined : parseRetryAfter(retryAfter, now)?.delay;
}
