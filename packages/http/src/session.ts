import { systemClock, systemRandom, unlimited, type Clock, type Random, type RetryBudget, type RetryPolicy } from "@holdfast/policy";
import { HttpAdapter, type Adapter } from "./adapter.ts";
import { bodyOf, jsonBody, noBody, type Body, type BodyInit } from "./body.ts";
import { Call, callPolicy, type Exchange } from "./call.ts";
import { InvalidUrlError, TooManyRedirectsError } from "./errors.ts";
import { mergeHeaders, type HeaderRecord, type HeadersInit } from "./headers.ts";
import { Mounts } from "./mount.ts";
import { urlOf, type HttpRequest, type Params } from "./request.ts";
import type { Response } from "./response.ts";
import type { Retry } from "./retry/retry.ts";
import { sessionDefaults } from "./session-defaults.ts";
import { resolveTimeouts, type TimeoutOptions, type Timeouts } from "./timeouts.ts";

export interface SessionOptions {
  /** What relative URLs are relative to. */
  readonly baseUrl?: string;
  /** Sent with every request. */
  readonly headers?: HeadersInit;
  /** Added to every URL. */
  readonly params?: Params;
  /** @default sessionDefaults.retry: at most 3 retries of what is safe to send again */
  readonly retry?: Retry;
  /** @default connect 5 s, read 30 s */
  readonly timeout?: TimeoutOptions;
  /** What retries may cost, over all calls. @default unlimited */
  readonly budget?: RetryBudget;
  /** The most redirects that one call follows; 0 hands them out. @default 30 */
  readonly maxRedirects?: number;
  /** The most that a body may grow to, decoded. @default 2 GiB */
  readonly maxBytes?: number;
  /** Connections to one origin at the same time. @default 256 */
  readonly connections?: number;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface RequestOptions {
  /** Over the session's; undefined removes one. */
  readonly headers?: HeadersInit;
  readonly params?: Params;
  readonly body?: BodyInit;
  /** Sent as application/json. */
  readonly json?: unknown;
  readonly retry?: Retry;
  readonly timeout?: TimeoutOptions;
  readonly maxRedirects?: number;
  readonly maxBytes?: number;
  /** Ends the call: its reason is thrown as it is. */
  readonly signal?: AbortSignal;
  /** Lets the server recognise a second try, so that any method may be sent again; sent as Idempotency-Key. */
  readonly idempotencyKey?: string;
}

/** Makes requests that survive what networks and servers do: with retries, limits and a connection pool of its own. */
export class Session implements AsyncDisposable {
  readonly #options: SessionOptions;
  readonly #headers: HeaderRecord;
  readonly #retry: Retry;
  readonly #timeouts: Timeouts;
  readonly #clock: Clock;
  readonly #policy: RetryPolicy<Exchange>;
  readonly #mounts = new Mounts<Adapter>();

  constructor(options: SessionOptions = {}) {
    const { clock = systemClock, budget = unlimited, connections } = options;
    this.#options = options;
    this.#headers = mergeHeaders(sessionDefaults.headers, options.headers);
    this.#retry = options.retry ?? sessionDefaults.retry;
    this.#timeouts = resolveTimeouts(options.timeout);
    this.#clock = clock;
    this.#policy = callPolicy(budget);
    const adapter = new HttpAdapter({ clock, connections });
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
  async request(method: string, url: string | URL, options: RequestOptions = {}): Promise<Response> {
    const timeouts = resolveTimeouts(options.timeout, this.#timeouts);
    const deadline = this.#clock.now() + timeouts.total;
    const maxRedirects = options.maxRedirects ?? this.#options.maxRedirects ?? sessionDefaults.maxRedirects;
    const history: Response[] = [];
    let request = await this.#prepare(method, url, options);
    for (;;) {
      const response = await this.#call(request, { ...options, timeouts, deadline });
      const next = maxRedirects === 0 ? undefined : undefined as HttpRequest | undefined;
      if (next === undefined) return history.length === 0 ? response : response.witness({ history });
      if (history.length >= maxRedirects) throw new TooManyRedirectsError(maxRedirects, next.url.href);
      history.push(response);
      request = next;
    }
  }

  /** Closes every connection; calls under way fail. */
  async close(): Promise<void> {
    await Promise.all([...new Set(this.#mounts.values)].map((adapter) => adapter.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #call(request: HttpRequest, options: CallOptions): Promise<Response> {
    const adapter = this.#mounts.get(request.url.href);
    if (adapter === undefined) throw new InvalidUrlError(`No adapter is mounted for ${request.url.protocol}//`);
    const { timeouts, deadline, signal } = options;
    const call = new Call({
      request,
      adapter,
      retry: options.retry ?? adapter.retry ?? this.#retry,
      timeouts,
      maxBytes: options.maxBytes ?? this.#options.maxBytes ?? sessionDefaults.maxBytes,
    });
    const { clock, random } = { clock: this.#clock, random: this.#options.random ?? systemRandom };
    return call.finish(await this.#policy.execute((scope) => call.send(scope), { signal, deadline, clock, random }));
  }

  async #prepare(method: string, input: string | URL, options: RequestOptions): Promise<HttpRequest> {
    const url = urlOf(input, { ...this.#options.params, ...options.params }, this.#options.baseUrl);
    const headers = mergeHeaders(this.#headers, options.headers);
    const { idempotencyKey } = options;
    const body = await bodyFrom(options);
    const keyed = idempotencyKey === undefined ? headers : { ...headers, "idempotency-key": idempotencyKey };
    return { method: method.toUpperCase(), url, headers: keyed, body, idempotencyKey };
  }
}

interface CallOptions extends RequestOptions {
  readonly timeouts: Timeouts;
  readonly deadline: number;
}

function bodyFrom({ body, json }: RequestOptions): Body | Promise<Body> {
  if (json === undefined) return body === undefined ? noBody : bodyOf(body);
  if (body !== undefined) throw new TypeError("A request has a body or json, not both");
  return jsonBody(json);
}
