import { randomUUID } from "node:crypto";
import { DeadlineExceededError, retryBudget, systemClock, systemRandom, type Clock, type Policy, type RetryPolicy } from "@holdfast/policy";
import { HttpAdapter, type Adapter } from "./adapter.ts";
import { authOf, type Auth } from "./auth.ts";
import { bodyOf, jsonBody, noBody, type Body } from "./body.ts";
import { Call, callPolicy, type Exchange } from "./call.ts";
import { Cookies } from "./cookies.ts";
import { InvalidUrlError } from "./errors.ts";
import { mergeHeaders, type HeaderRecord } from "./headers.ts";
import { joinHooks, type Hooks } from "./hooks.ts";
import { nextHop } from "./hop.ts";
import { Mounts } from "./mount.ts";
import type { ProxyMap } from "./proxy/environment.ts";
import { proxyChooser, type ProxyChooser } from "./proxy/chooser.ts";
import { isRedirectStatus, leavesOrigin } from "./redirects.ts";
import { joinParams, urlOf, type HttpRequest } from "./request.ts";
import type { Response } from "./response.ts";
import type { Retry } from "./retry/retry.ts";
import { sessionDefaults } from "./session-defaults.ts";
import type { RequestOptions, SessionOptions } from "./session-options.ts";
import { resolveTimeouts, type Timeouts } from "./timeouts.ts";

/** Makes requests that survive what networks and servers do: with retries, limits and a connection pool of its own. */
export class Session implements AsyncDisposable {
  /** The functions that are called on the way: push to a list to add one. */
  readonly hooks: Hooks;
  /** The cookies kept so far; undefined when the session keeps none. */
  readonly cookies: Cookies | undefined;
  readonly #options: SessionOptions;
  readonly #headers: HeaderRecord;
  readonly #retry: Retry;
  readonly #timeouts: Timeouts;
  readonly #maxRedirects: number | null;
  readonly #clock: Clock;
  readonly #policy: RetryPolicy<Exchange>;
  readonly #mounts = new Mounts<Adapter>();
  readonly #guards = new Map<string, Policy>();
  readonly #proxyFor: ProxyChooser;

  constructor(options: SessionOptions = {}) {
    const { clock = systemClock, connections, tls, http2 } = options;
    const budget = options.budget ?? retryBudget({ ...sessionDefaults.budget, clock });
    this.#options = options;
    this.hooks = joinHooks(options.hooks);
    this.cookies = options.cookies === false ? undefined : new Cookies(options.cookies);
    this.#headers = mergeHeaders(sessionDefaults.headers, options.headers);
    this.#retry = options.retry ?? sessionDefaults.retry;
    this.#timeouts = resolveTimeouts(options.timeout);
    this.#maxRedirects = options.maxRedirects === undefined ? sessionDefaults.maxRedirects : options.maxRedirects;
    this.#clock = clock;
    this.#policy = callPolicy(budget);
    this.#proxyFor = proxyChooser(options.proxy, options.trustEnvironment === false ? undefined : process.env);
    const adapter = new HttpAdapter({ clock, connections, tls, http2 });
    this.mount("https://", adapter);
    this.mount("http://", adapter);
  }

  /** Sends what goes to URLs with this prefix through another adapter; the longest prefix wins. */
  mount(prefix: string, adapter: Adapter): this {
    this.#mounts.mount(prefix, adapter);
    return this;
  }

  get(url: string | URL, options?: RequestOptions): Promise<Response> {
    return this.request("GET", url, options);
  }

  head(url: string | URL, options?: RequestOptions): Promise<Response> {
    return this.request("HEAD", url, options);
  }

  options(url: string | URL, options?: RequestOptions): Promise<Response> {
    return this.request("OPTIONS", url, options);
  }

  post(url: string | URL, options?: RequestOptions): Promise<Response> {
    return this.request("POST", url, options);
  }

  put(url: string | URL, options?: RequestOptions): Promise<Response> {
    return this.request("PUT", url, options);
  }

  patch(url: string | URL, options?: RequestOptions): Promise<Response> {
    return this.request("PATCH", url, options);
  }

  delete(url: string | URL, options?: RequestOptions): Promise<Response> {
    return this.request("DELETE", url, options);
  }

  /**
   * Makes a call: as many attempts as it takes and the rules allow, redirects included. An answer that is not a success
   * is given back all the same, unless the rule says `raiseOnStatus`.
   *
   * @throws TransportError and its kin, which tell the story of the call (`isFailure`); InvalidUrlError and TypeError
   * for what cannot be asked; the signal's reason.
   */
  request(method: string, url: string | URL, options: RequestOptions = {}): Promise<Response> {
    // No async function here, nor in what it calls: each costs a promise and a turn, for every request.
    try {
      const terms = this.#termsOf(options);
      const prepared = this.#prepare(method, url, options);
      return prepared instanceof Promise
        ? prepared.then((first) => this.#begin(first, terms))
        : this.#begin(prepared, terms);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Closes every connection; calls under way fail. */
  async close(): Promise<void> {
    await Promise.all([...new Set(this.#mounts.values)].map((adapter) => adapter.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #termsOf(options: RequestOptions): Terms {
    const timeouts = resolveTimeouts(options.timeout, this.#timeouts);
    return {
      timeouts,
      deadline: this.#clock.now() + timeouts.total,
      signal: options.signal,
      hooks: options.hooks === undefined ? this.hooks : joinHooks(this.hooks, options.hooks),
      maxRedirects: options.maxRedirects === undefined ? this.#maxRedirects : options.maxRedirects,
      maxBytes: options.maxBytes ?? this.#options.maxBytes ?? sessionDefaults.maxBytes,
      sensitiveHeaders: this.#options.sensitiveHeaders ?? none,
      retry: options.retry,
      proxy: options.proxy,
    };
  }

  #begin({ request, auth }: Prepared, terms: Terms): Promise<Response> {
    const call = this.#callFor(request, auth, terms);
    const goOn = (arrived: Response): Response | Promise<Response> =>
      isRedirectStatus(arrived.status) ? this.#follow({ request, auth }, arrived, { ...terms, retry: call.retry }) : arrived;
    // Hot path: one promise for what two would do, 1 % of a small request.
    return terms.hooks.error.length === 0
      ? this.#send(call, terms).then((exchange) => goOn(call.finish(exchange)))
      : this.#run(call, request, terms).then(goOn);
  }

  async #follow({ request: first, auth }: Prepared, redirect: Response, terms: Terms): Promise<Response> {
    const history: Response[] = [];
    let [request, response, retry] = [first, redirect, terms.retry ?? this.#retry];
    for (;;) {
      const { maxRedirects, sensitiveHeaders } = terms;
      const now = this.#clock.date();
      const hop = nextHop({ request, response, retry, followed: history.length, maxRedirects, sensitiveHeaders, now });
      if (hop === undefined) return history.length === 0 ? response : response.redirectedFrom(history);
      await this.#pause(hop.delay, terms);
      history.push(response);
      request = hop.request;
      const call = this.#callFor(request, leavesOrigin(first.url, request.url) ? undefined : auth, maxRedirects === null ? { ...terms, retry: hop.retry } : terms);
      response = await this.#run(call, request, terms);
      retry = call.retry;
    }
  }

  #callFor(request: HttpRequest, auth: Auth | undefined, { retry, hooks, timeouts, maxBytes, proxy }: Terms): Call {
    const adapter = this.#mounts.get(request.url.href);
    if (adapter === undefined) throw new InvalidUrlError(`No adapter is mounted for ${request.url.protocol}//`);
    return new Call({
      request,
      adapter,
      hooks,
      cookies: this.cookies,
      auth,
      guard: this.#options.guard === undefined ? undefined : this.#guardOf(request.url.origin, this.#options.guard),
      retry: retry ?? adapter.retry ?? this.#retry,
      timeouts,
      maxBytes,
      proxy: this.#proxyFor(request.url, proxy),
    });
  }

  #send(call: Call, { signal, deadline }: Terms): Promise<Exchange> {
    const context = { signal, deadline, clock: this.#clock, random: this.#options.random ?? systemRandom };
    return this.#policy.execute((scope) => call.send(scope), context);
  }

  #run(call: Call, request: HttpRequest, terms: Terms): Promise<Response> {
    const { hooks } = terms;
    const response = this.#send(call, terms).then((exchange) => call.finish(exchange));
    if (hooks.error.length === 0) return response;
    return response.catch(async (error: unknown) => {
      for (const hook of hooks.error) await hook(error, request);
      throw error;
    });
  }

  async #pause(delay: number, { signal, deadline, timeouts }: Terms): Promise<void> {
    if (delay <= 0) return;
    if (this.#clock.now() + delay >= deadline) throw new DeadlineExceededError(timeouts.total);
    await this.#clock.sleep(delay, signal);
  }

  #prepare(method: string, input: string | URL, options: RequestOptions): Prepared | Promise<Prepared> {
    const url = urlOf(input, joinParams(this.#options.params, options.params), this.#options.baseUrl);
    const auth = options.auth ?? authOf(url) ?? this.#options.auth;
    const merged = mergeHeaders(this.#headers, options.headers);
    const idempotencyKey = options.idempotencyKey === "auto" ? randomUUID() : options.idempotencyKey;
    const headers = idempotencyKey === undefined ? merged : { ...merged, "idempotency-key": idempotencyKey };
    const body = bodyFrom(options);
    const requestWith = (whole: Body): Prepared => ({
      request: { method: method.toUpperCase(), url, headers, body: whole, idempotencyKey },
      auth,
    });
    return body instanceof Promise ? body.then(requestWith) : requestWith(body);
  }

  #guardOf(origin: string, make: (origin: string) => Policy): Policy {
    const known = this.#guards.get(origin);
    if (known !== undefined) return known;
    const made = make(origin);
    this.#guards.set(origin, made);
    return made;
  }
}

const none: readonly string[] = [];

/** What holds for all requests of one call. */
interface Terms {
  readonly timeouts: Timeouts;
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
  readonly hooks: Hooks;
  readonly maxRedirects: number | null;
  readonly maxBytes: number;
  readonly sensitiveHeaders: readonly string[];
  readonly retry: Retry | undefined;
  readonly proxy: string | ProxyMap | undefined;
}

/** The first request of a call, and who asks. */
interface Prepared {
  readonly request: HttpRequest;
  readonly auth: Auth | undefined;
}

function bodyFrom({ body, json }: RequestOptions): Body | Promise<Body> {
  if (json === undefined) return body === undefined ? noBody : bodyOf(body);
  if (body !== undefined) throw new TypeError("A request has a body or json, not both");
  return jsonBody(json);
}
