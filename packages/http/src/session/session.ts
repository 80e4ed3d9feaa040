import {
  retryBudget,
  systemClock,
  systemRandom,
  type Policy,
  type RetryPolicy,
  type Scope,
} from "@holdfast/policy";
import { HttpAdapter, type Adapter } from "../adapter/adapter.ts";
import { refuse } from "../support/validate.ts";
import { Call } from "../call/call.ts";
import { callPolicy, type AttemptResult } from "../call/retry-policy.ts";
import { runErrorHooks } from "../call/run-hooks.ts";
import { closableClock, type ClosableClock } from "./session-clock.ts";
import { abortableClock } from "../support/bounded-wait.ts";
import { Cookies } from "../model/cookies.ts";
import { InvalidUrlError, SessionClosedError } from "../errors/transport-errors.ts";
import { Limiters } from "../pacing/limiters.ts";
import { mergeHeaders } from "../model/headers.ts";
import { joinHooks, type Hooks } from "../telemetry/hooks.ts";
import {
  followRedirects,
  type RemainingRetries,
  type NextRequest,
  type Requests,
} from "../call/follow-redirects.ts";
import { isBodyUnread, readUnreadBody } from "../call/unread-body.ts";
import { mountable, Mounts, prefixOf } from "./mounts.ts";
import { buildRequest, type RequestDefaults, type PreparedRequest } from "../call/build-request.ts";
import { ProxyConnections } from "./proxy-connections.ts";
import { createRouter, type Router } from "../proxy/route/route.ts";
import { isRedirectStatus } from "../model/redirect-request.ts";
import type { HttpResponse } from "../model/response.ts";
import { responsePromise, type ResponsePromise } from "./response-promise.ts";
import type { Retry } from "../retry/retry.ts";
import { save, type Saved } from "../download/download.ts";
import { adapterCheck } from "../adapter/validate-options.ts";
import { policyCheck, requestOptionsCheck, sessionOptionsCheck } from "./validate-options.ts";
import { sessionDefaults } from "./defaults.ts";
import type { RequestOptions, SessionOptions, StreamRequestOptions } from "../call/options.ts";
import type { StreamedResponse } from "../model/streamed-response.ts";
import { streamResponse } from "../call/streaming.ts";
import type { CallContext } from "../call/terms.ts";
import { resolveTimeouts, type Timeouts } from "../transport/timeouts.ts";
import { Verbs } from "./verbs.ts";
import { Trip, type Asked, type Target, type Ways } from "../call/lazy-call.ts";

/** Makes requests that survive what networks and servers do: with retries, limits and a connection pool of its own. */
export class Session extends Verbs implements AsyncDisposable {
  /** The functions that are called on the way: push to a list to add one. */
  readonly hooks: Hooks;
  /** The cookies kept so far; undefined when the session keeps none. */
  readonly cookies: Cookies | undefined;
  readonly #options: SessionOptions;
  readonly #additions: RequestDefaults;
  readonly #retry: Retry;
  readonly #timeouts: Timeouts;
  readonly #maxRedirects: number | null;
  readonly #clock: ClosableClock;
  readonly #policy: RetryPolicy<AttemptResult>;
  readonly #mounts = new Mounts<Adapter>();
  readonly #policies = new Map<string, Policy>();
  readonly #gates: Limiters | undefined;
  readonly #ways: Ways = {
    begin: (asked, options) => {
      const terms = this.#termsOf(options);
      return asked instanceof Promise
        ? asked.then((prepared) => this.#begin(prepared, terms))
        : this.#begin(asked, terms);
    },
    save: (asked, options, target) => this.#save(asked, options, target),
  };
  readonly #requests: Requests;
  readonly #routeFor: Router;
  #closed = false;
  readonly #proxyConnections: ProxyConnections = new ProxyConnections(() => this.#mounts.values);

  constructor(options: SessionOptions = {}) {
    super();
    refuse("Session", sessionOptionsCheck(options));
    const { clock = systemClock, maxConnections, tls, http2 } = options;
    const budget = options.budget ?? retryBudget({ ...sessionDefaults.budget, clock });
    this.#options = options;
    this.hooks = joinHooks(options.hooks);
    this.cookies = options.cookies === false ? undefined : new Cookies(options.cookies);
    this.#additions = {
      ...options,
      headers: Object.freeze(mergeHeaders(sessionDefaults.headers, options.headers, "Session.headers")),
    };
    this.#retry = options.retry ?? sessionDefaults.retry;
    this.#timeouts = resolveTimeouts(options.timeout);
    this.#maxRedirects =
      options.maxRedirects === undefined ? sessionDefaults.maxRedirects : options.maxRedirects;
    this.#clock = closableClock(clock);
    this.#requests = {
      clock: this.#clock,
      adapterFor: (url) => this.#adapterFor(url),
      callFor: (onward, terms) => this.#callFor(onward, terms),
      send: (call, terms) => this.#send(call, terms),
    };
    this.#policy = callPolicy(budget);
    this.#gates = options.pacing === false ? undefined : new Limiters(clock);
    this.#routeFor = createRouter(
      options.proxy,
      options.trustEnvironment === false ? undefined : process.env,
    );
    const adapter = new HttpAdapter({ clock, maxConnections, tls, http2 });
    this.mount("https://", adapter);
    this.mount("http://", adapter);
  }

  /**
   * Sends what goes to URLs with this prefix through another adapter; the longest prefix wins.
   *
   * @throws TypeError for a prefix of no URL that could be asked for, or what is no adapter.
   */
  mount(prefix: string, adapter: Adapter): this {
    refuse("mount", mountable(prefix));
    refuse(`mount(${JSON.stringify(prefix)})`, adapterCheck(adapter));
    this.#mounts.mount(prefixOf(prefix), adapter);
    return this;
  }

  /**
   * Makes a call: as many attempts as it takes and the rules allow, redirects included. An answer that is not a success
   * is given back all the same, unless the rule says `raiseOnStatus`.
   *
   * @throws TransportError and its kin, which tell the story of the call (`isFailure`); InvalidUrlError and TypeError
   * for what cannot be asked; the signal's reason.
   */
  request(method: string, url: string | URL, options: StreamRequestOptions): Promise<StreamedResponse>;
  request(method: string, url: string | URL, options?: RequestOptions): ResponsePromise;
  request(method: string, url: string | URL, options: RequestOptions = {}): Promise<HttpResponse> {
    // No async function here, nor in what it calls: each costs a promise and a turn, for every request.
    try {
      if (this.#closed) throw new SessionClosedError();
      refuse("request", requestOptionsCheck(options));
      if (options.stream === true) return responsePromise(this.#stream(method, url, options));
      const asked = buildRequest(method, url, { session: this.#additions, own: options });
      const trip = new Trip(this.#ways, asked, options);
      return responsePromise(trip.answer, trip);
    } catch (error) {
      return responsePromise(Promise.reject(error));
    }
  }

  /** Closes every connection; calls under way, those that wait for their next attempt, and later ones fail with a SessionClosedError. */
  async close(): Promise<void> {
    const reason = new SessionClosedError();
    this.#closed = true;
    this.#clock.close(reason);
    this.#gates?.close(reason);
    this.#proxyConnections.close();
    await Promise.all([...new Set(this.#mounts.values)].map((adapter) => adapter.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #termsOf(options: RequestOptions): CallContext {
    const timeouts = resolveTimeouts(options.timeout, this.#timeouts);
    return {
      clock: this.#clock,
      closed: this.#clock.closed,
      timeouts,
      deadline: this.#clock.now() + timeouts.total,
      signal: options.signal,
      drain: options.drain,
      hooks: options.hooks === undefined ? this.hooks : joinHooks(this.hooks, options.hooks),
      maxRedirects: options.maxRedirects === undefined ? this.#maxRedirects : options.maxRedirects,
      maxBytes:
        options.maxBytes ??
        this.#options.maxBytes ??
        (options.stream === true ? Infinity : sessionDefaults.maxBytes),
      sensitiveHeaders: this.#options.sensitiveHeaders ?? none,
      retry: options.retry,
      proxy: options.proxy,
    };
  }

  async #stream(method: string, url: string | URL, options: RequestOptions): Promise<HttpResponse> {
    const terms = this.#termsOf(options);
    const prepared = await buildRequest(method, url, { session: this.#additions, own: options });
    return streamResponse(terms, {}, (live) => this.#begin(prepared, live));
  }

  async #save(asked: Asked, options: RequestOptions, { file, ...saving }: Target): Promise<Saved> {
    const terms = this.#termsOf({ ...options, stream: true });
    const { request, auth } = await asked;
    if (request.method === "HEAD")
      throw new TypeError("saveTo saves a body, and the answer to a HEAD has none: use GET");
    // A file is what the server has, and its parts can be put together.
    const plain = { ...request, headers: { ...request.headers, "accept-encoding": "identity" } };
    return save(file, saving, (resumption) =>
      streamResponse(terms, resumption, (live) => this.#begin({ request: plain, auth }, live)),
    );
  }

  #begin(prepared: PreparedRequest, terms: CallContext): Promise<HttpResponse> {
    const call = this.#callFor(prepared, terms);
    // Hot path: one promise for what two would do, 1 % of a small request.
    const response = this.#send(call, terms).then((exchange) => {
      if (isBodyUnread(exchange)) return readUnreadBody(exchange).then((last) => call.finish(last));
      const arrived = call.finish(exchange);
      return isRedirectStatus(arrived.status)
        ? followRedirects({ ...prepared, call, response: arrived }, terms, this.#requests)
        : arrived;
    });
    const { error: hooks } = terms.hooks;
    if (hooks.length === 0) return response;
    return response.catch(async (error: unknown) => {
      await runErrorHooks({ hooks, request: prepared.request, bounds: terms }, error);
      throw error;
    });
  }

  #callFor({ request, auth, left }: NextRequest, terms: CallContext): Call {
    const adapter = this.#adapterFor(request.url);
    const { hooks, timeouts, maxBytes, drain, proxy, streams } = terms;
    const route = this.#proxyConnections.track(this.#routeFor(request.url, proxy));
    return new Call({
      request,
      before: left?.call,
      adapter: streams === undefined ? adapter : streams.through(adapter),
      hooks,
      bounds: terms,
      cookies: this.cookies,
      auth,
      policy:
        this.#options.policy === undefined
          ? undefined
          : this.#policyFor(request.url.origin, this.#options.policy),
      retry: this.#retryFor(adapter, terms, left),
      timeouts,
      maxBytes,
      proxy: route,
      drain,
      // A pool lets an address rest that is limited, and asks through another one.
      limiters: typeof route === "object" ? undefined : this.#gates,
      live: streams?.live((call, signal) => this.#send(call, { ...terms, signal })),
    });
  }

  #send(call: Call, terms: CallContext): Promise<AttemptResult> {
    const { signal, deadline, drain } = terms;
    const random = this.#options.random ?? systemRandom;
    const clock = call.clockFor(drain === undefined ? this.#clock : abortableClock(this.#clock, drain));
    // Hot path: with nothing missing, the policy takes it as it is.
    const context: Scope = { signal, deadline, clock, random, on: undefined, attempt: 1 };
    const sent = this.#policy.execute((scope) => call.send(scope), context);
    if (drain === undefined) return sent;
    return sent.catch((error: unknown) => {
      const last = drain.aborted && error === drain.reason ? call.cutShort() : undefined;
      if (last === undefined) throw error;
      return last;
    });
  }

  #adapterFor(url: URL): Adapter {
    const adapter = this.#mounts.get(url.href);
    if (adapter === undefined) throw new InvalidUrlError(`No adapter is mounted for ${url.protocol}//`);
    return adapter;
  }

  /** After a redirect what is left of the retries, unless another adapter has a rule of its own. */
  #retryFor(
    adapter: Adapter,
    { retry, maxRedirects }: CallContext,
    left: RemainingRetries | undefined,
  ): Retry {
    const own = retry ?? adapter.retry ?? this.#retry;
    if (left === undefined) return own;
    return maxRedirects === null || retry !== undefined || left.adapter.retry === adapter.retry
      ? left.retry
      : own;
  }

  #policyFor(origin: string, make: (origin: string) => Policy): Policy {
    const known = this.#policies.get(origin);
    if (known !== undefined) return known;
    const made = make(origin);
    refuse(`Session.policy for ${origin}`, policyCheck(made));
    this.#policies.set(origin, made);
    return made;
  }
}

const none: readonly string[] = [];
