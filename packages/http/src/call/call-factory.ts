import type { Policy } from "@holdfast/policy";
import { stripRootDot } from "@holdfast/policy/internal";
import type { Adapter } from "../adapter/adapter.ts";
import type { Mounts } from "../adapter/mounts.ts";
import { InvalidUrlError } from "../errors/transport-errors.ts";
import type { Cookies } from "../model/cookies.ts";
import type { Limiters } from "../pacing/limiters.ts";
import type { Router } from "../proxy/route/route.ts";
import { Retry } from "../retry/retry.ts";
import { resolveRetry, type RetrySetting } from "../retry/setting.ts";
import type { HttpRequest } from "../model/request.ts";
import { objectWithMethods, refuse, type Check, type Problem } from "../support/validate.ts";
import type { PreparedRequest } from "./build-request.ts";
import { Call } from "./call.ts";
import type { CallContext, CallPlan } from "./context.ts";
import type { SessionOptions } from "./options.ts";
import { ProxyConnections } from "./proxy-connections.ts";

/** The settings of a session that decide how a call is made. */
export interface CallFactoryOptions {
  readonly adapters: Mounts<Adapter>;
  readonly router: Router;
  readonly cookies: Cookies | undefined;
  readonly policy: SessionOptions["policy"] | undefined;
  /** The rate limits that the session has learned; undefined where it does not pace. */
  readonly limiters: Limiters | undefined;
  readonly retry: Retry;
}

/** The next request of a call; after a redirect, with the retries that remain. */
export interface NextRequest extends PreparedRequest {
  readonly remaining?: RemainingRetries;
}

/** The request before a redirect: the call and the adapter that sent it, and the retries that it left. */
export interface RemainingRetries {
  readonly call: NonNullable<CallPlan["before"]>;
  readonly adapter: Adapter;
  readonly retry: Retry;
}

/** Returns the server of a request, in normal form: an origin, or `unix:` and the path of a socket. */
function originOf({ url, socketPath }: HttpRequest): string {
  return socketPath === undefined ? stripRootDot(url.origin) : `unix:${socketPath}`;
}

function socketProxyProblem(proxy: unknown): Problem | undefined {
  if (proxy === undefined) return undefined;
  return {
    at: "",
    says: "cannot be used here: the request goes to a Unix socket, and no proxy leads there",
    range: false,
  };
}

function isPaced({ pacing }: CallContext, adapter: Adapter): boolean {
  return pacing !== false && adapter.pacing !== false;
}

// The rules of a session and its adapters are few.
const boundedRetries = new WeakMap<Retry, Retry>();

/** Returns the rule for a fetch, which gets every status and waits for no rate limit without a bound. */
function boundedRetry(retry: Retry): Retry {
  const known = boundedRetries.get(retry);
  if (known !== undefined) return known;
  const { retryAfterMax, onLongRetryAfter, raiseOnStatus } = retry;
  const isBounded = retryAfterMax < Infinity && onLongRetryAfter === "fail" && !raiseOnStatus;
  const rule = { retryAfterMax: retryAfterMax < Infinity ? retryAfterMax : Retry.default.retryAfterMax };
  const bounded = isBounded ? retry : retry.new({ ...rule, onLongRetryAfter: "fail", raiseOnStatus: false });
  boundedRetries.set(retry, bounded);
  return bounded;
}

// A session that visits more origins forgets the policy of the origin that it has not visited for longest.
const maxPolicies = 10_000;

/** Checks the return value of the `policy` function of a session. */
const policyCheck: Check = objectWithMethods("a policy, such as breaker()", ["execute"]);

/** Makes the calls of a session: chooses adapter, route, retries and policy for a URL. */
export class CallFactory {
  readonly #options: CallFactoryOptions;
  readonly #policies = new Map<string, Policy>();
  readonly #adapterRetries = new WeakMap<
    Adapter,
    { readonly setting: RetrySetting; readonly retry: Retry }
  >();
  readonly #proxyConnections: ProxyConnections;

  constructor(options: CallFactoryOptions) {
    this.#options = options;
    this.#proxyConnections = new ProxyConnections(options.adapters);
  }

  /** @throws InvalidUrlError when no adapter is mounted for the URL. */
  adapterFor(url: URL): Adapter {
    const adapter = this.#options.adapters.get(url.href);
    if (adapter === undefined) throw new InvalidUrlError(`No adapter is mounted for ${url.protocol}//`);
    return adapter;
  }

  create({ request, auth, remaining }: NextRequest, context: CallContext): Call {
    const { cookies, limiters, router } = this.#options;
    const { hooks, timeouts, maxBytes, verifyDigest, drain, streams, suspension, isFetch } = context;
    const adapter = this.adapterFor(request.url);
    const retry = this.#retryFor(adapter, context, remaining);
    const socketPath = request.socketPath ?? adapter.socketPath;
    if (socketPath !== undefined) refuse("request.proxy", socketProxyProblem(context.proxy));
    const route = socketPath === undefined ? router(request.url, context.proxy) : undefined;
    const isPooled = typeof route === "object";
    if (isPooled) this.#proxyConnections.track(route.provider);
    return new Call({
      isFetch,
      request,
      before: remaining?.call,
      adapter: streams === undefined ? adapter : streams.through(adapter, retry),
      hooks,
      bounds: context,
      // Cookies belong to hosts, and a socket has none.
      cookies: request.socketPath === undefined ? cookies : undefined,
      auth,
      policy: this.#policyFor(request),
      retry,
      timeouts,
      throwOnStatus: context.throwOnStatus,
      waitForCircuit: context.waitForCircuit,
      maxBytes,
      verifyDigest,
      proxy: route,
      drain,
      // A pool pauses the limited proxy instead, and sends through another one.
      limiters: isPooled || !isPaced(context, adapter) ? undefined : limiters,
      streams,
      suspension,
      memory: context.memory,
    });
  }

  /** Ends the subscriptions to proxy pools, and forgets the policies of all origins. */
  close(): void {
    this.#proxyConnections.close();
    this.#policies.clear();
  }

  #retryFor(adapter: Adapter, context: CallContext, remaining: RemainingRetries | undefined): Retry {
    const retry = this.#chooseRetry(adapter, context, remaining);
    return context.isFetch ? boundedRetry(retry) : retry;
  }

  /** After a redirect, the retries that remain, unless another adapter has a rule of its own. */
  #chooseRetry(
    adapter: Adapter,
    { retry, maxRedirects }: CallContext,
    remaining: RemainingRetries | undefined,
  ): Retry {
    const keepsRemaining =
      maxRedirects === null || retry !== undefined || remaining?.adapter.retry === adapter.retry;
    if (remaining !== undefined && keepsRemaining) return remaining.retry;
    const inForce = this.#adapterRetry(adapter);
    return retry === undefined ? inForce : resolveRetry(retry, inForce);
  }

  #adapterRetry(adapter: Adapter): Retry {
    const { retry: setting } = adapter;
    if (setting === undefined) return this.#options.retry;
    const known = this.#adapterRetries.get(adapter);
    if (known?.setting === setting) return known.retry;
    const retry = resolveRetry(setting, this.#options.retry);
    this.#adapterRetries.set(adapter, { setting, retry });
    return retry;
  }

  #policyFor(request: HttpRequest): Policy | undefined {
    const { policy: make } = this.#options;
    if (make === undefined) return undefined;
    const origin = originOf(request);
    const known = this.#policies.get(origin);
    const policy = known ?? make(origin);
    if (known === undefined) refuse(`Session.policy for ${origin}`, policyCheck(policy));
    // In the order of their last use.
    this.#policies.delete(origin);
    this.#policies.set(origin, policy);
    const [unused] = this.#policies.keys();
    if (unused !== undefined && this.#policies.size > maxPolicies) this.#policies.delete(unused);
    return policy;
  }
}
