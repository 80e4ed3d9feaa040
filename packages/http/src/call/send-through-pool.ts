import type { Clock } from "@holdfast/policy";
import { sendAttempt, type AttemptContext } from "./send-attempt.ts";
import type { SendOptions } from "../adapter/adapter.ts";
import { ProxyError } from "../errors/transport-errors.ts";
import type { Lease } from "../proxy/pool/lease.ts";
import { outcomeOfError, outcomeOfResponse, type ProxyOutcome } from "../proxy/rules/outcome.ts";
import type { IsBlocked } from "../proxy/options/options.ts";
import type { PoolRoute } from "../proxy/route/route.ts";
import type { HttpRequest } from "../model/request.ts";
import { HttpResponse, hasHeader, setVerdict } from "../model/response.ts";
import { hintIn } from "../retry/dialects/hint-in.ts";
import { parseRetryAfter } from "../retry/retry-after.ts";
import type { Retry } from "../retry/retry.ts";

/** An attempt that goes through a proxy of a pool. */
export interface PooledRequest {
  readonly route: PoolRoute;
  readonly request: HttpRequest;
  readonly company: AttemptContext;
  readonly options: SendOptions;
  /** Whose dialects the host's wish to be left alone is understood in. */
  readonly retry: Retry;
  /** The session's, by which the call waits for a proxy where it may. */
  readonly clock: Clock;
}

/** The proxy that an attempt went through, and who accompanied it: the cookies are those of its identity. */
export interface PooledAttempt {
  readonly lease: Lease;
  readonly company: AttemptContext;
}

/**
 * Sends a request once through a proxy of a pool, and tells the pool what became of it. `passed` hears which proxy it
 * was, unless the attempt was aborted.
 *
 * @throws NoProxyError when no proxy is fit; as `deliver` does.
 */
export async function sendThroughPool(
  attempt: PooledRequest,
  passed: (passage: PooledAttempt) => void,
): Promise<HttpResponse> {
  const { route, request, options, clock } = attempt;
  const { pool, country, identity } = route;
  const { url, method, headers } = request;
  const { signal, deadline } = options;
  const { total } = options.timeouts;
  const lease = await pool.lease({ url, method, headers, country, identity, signal, deadline, total, clock });
  const company = { ...attempt.company, ...(lease.identity && { cookies: lease.identity.cookies }) };
  try {
    const response = await sendAttempt(withIdentityHeaders(request, lease), company, {
      ...options,
      proxy: lease.proxy,
    });
    const { isBlocked } = pool;
    const word = isBlocked === undefined ? undefined : await findBlock(response, isBlocked);
    lease.report(word ?? toProxyOutcome(response, attempt));
    passed({ lease, company });
    return response;
  } catch (error) {
    const aborted = signal?.aborted === true;
    if (!aborted) lease.report(toProxyOutcome(error, attempt));
    lease[Symbol.dispose]();
    if (!aborted) passed({ lease, company });
    throw error;
  }
}

function withIdentityHeaders(request: HttpRequest, { identity }: Lease): HttpRequest {
  const userAgent = identity?.userAgent;
  return userAgent === undefined
    ? request
    : { ...request, headers: { ...request.headers, "user-agent": userAgent } };
}

function toProxyOutcome(what: unknown, { retry, clock }: PooledRequest): ProxyOutcome {
  if (!isResponse(what)) {
    const outcome = outcomeOfError(what);
    return {
      ...outcome,
      retryAfter: what instanceof ProxyError ? proxyRetryAfter(what, clock.date()) : undefined,
    };
  }
  const outcome = outcomeOfResponse(what);
  if (outcome.reason.startsWith("challenge-"))
    setVerdict(what, { ...challengeVerdict, reason: outcome.reason });
  const wish = outcome.kind === "throttled" ? hintIn(what, retry.dialects, clock.date()) : undefined;
  // "At once" is no answer to how long the address is to be left alone.
  return { ...outcome, retryAfter: wish?.delay || undefined, bytes: countBodyBytes(what) };
}

/** What the owner of the pool says of an answer that looks good; undefined where that is nothing. */
async function findBlock(response: HttpResponse, isBlocked: IsBlocked): Promise<ProxyOutcome | undefined> {
  if (outcomeOfResponse(response).kind === "blocked") return undefined;
  const word = await isBlocked(response);
  if (word === false || word === "") return undefined;
  const reason = word === true ? "is-blocked" : word;
  setVerdict(response, { ...blockVerdict, reason });
  return { kind: "blocked", reason, bytes: countBodyBytes(response) };
}

const blockVerdict = {
  kind: "blocked",
  advice: "switch the proxy; the pool's isBlocked calls the answer a block",
} as const;

const challengeVerdict = {
  kind: "blocked",
  advice: "switch the proxy; what came is a challenge in the place of the page",
} as const;

function proxyRetryAfter(error: ProxyError, now: number): number | undefined {
  const { retryAfter } = error;
  return retryAfter === undefined ? undefined : parseRetryAfter(retryAfter, now)?.delay;
}

/** Bytes of the body: as sent where the answer says so, else as they are here. */
function countBodyBytes(response: HttpResponse): number {
  const length = hasHeader(response, "content-length") ? Number(response.headers.get("content-length")) : NaN;
  if (Number.isFinite(length)) return length;
  try {
    return response.content.byteLength;
  } catch {
    // A streamed response does not know yet.
    return 0;
  }
}

function isResponse(what: unknown): what is HttpResponse {
  return what instanceof HttpResponse;
}
