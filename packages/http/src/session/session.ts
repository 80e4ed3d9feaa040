import { systemClock, type RetryBudget } from "@holdfast/policy";
import { HttpAdapter, type Adapter } from "../adapter/adapter.ts";
import { prefixCheck, Mounts, normalizePrefix } from "../adapter/mounts.ts";
import { adapterCheck } from "../adapter/validate-options.ts";
import { usualMethod } from "../call/build-request.ts";
import { CallRunner } from "../call/call-runner.ts";
import type {
  DownloadOptions,
  RequestOptions,
  SessionOptions,
  StreamRequestOptions,
} from "../call/options.ts";
import type { CallWait } from "../call/suspension.ts";
import type { DownloadResult } from "../download/download.ts";
import { SessionClosedError } from "../errors/transport-errors.ts";
import { BodyBudget } from "../model/body-budget.ts";
import { Cookies } from "../model/cookies.ts";
import type { HttpResponse } from "../model/response.ts";
import { ignoreFailures } from "../model/stream-body.ts";
import type { StreamedResponse } from "../model/streamed-response.ts";
import { refuse } from "../support/validate.ts";
import { joinHooks, type Hooks } from "../telemetry/hooks.ts";
import type { Engine } from "../dispatch/engine.ts";
import type { HeaderRecord } from "../model/headers.ts";
import { lazyFetch } from "./fetch.ts";
import { changesConnections, extendOptions } from "./extend.ts";
import { toRequestDefaults } from "./request-defaults.ts";
import type { EventsOptions, EventSource, ServerSentEvent } from "./events.ts";
import type { SessionMock } from "./mock.ts";
import type { PageSource, PaginateOptions } from "./paginate.ts";
import { responsePromise, type ResponsePromise } from "./response-promise.ts";
import { defaultBudget, toRunnerOptions } from "./runner-options.ts";
import {
  downloadOptionsCheck,
  eventsOptionsCheck,
  paginateOptionsCheck,
  requestOptionsCheck,
  sessionOptionsCheck,
} from "./validate-options.ts";

const noOptions: RequestOptions = Object.freeze({});
const noHeaders: HeaderRecord = Object.freeze({});

/** Returns the parts of a session that send the requests of a fetch or a dispatcher. */
// The class assigns it, since only code inside it reaches private fields.
export let engineOf: (session: Session) => Engine;

/** Sends HTTP requests with retries, rate limits, redirects, cookies and its own connection pool. */
export class Session implements AsyncDisposable {
  /** The functions that are called during each request. Push to a list to add one. */
  readonly hooks: Hooks;
  /** The cookies of the session; undefined when it keeps none. */
  readonly cookies: Cookies | undefined;
  readonly #adapters: Mounts<Adapter> = new Mounts();
  readonly #runner: CallRunner;
  readonly #options: SessionOptions;
  readonly #budget: RetryBudget;
  readonly #bodies: BodyBudget | undefined;
  /** The session that this one extends and shares connections with. */
  readonly #parent: Session | undefined;
  #isClosed = false;
  #fetch: typeof globalThis.fetch | undefined;
  /** The parent of the session that is being created, since a constructor has no private parameters. */
  static #extended: { readonly parent: Session; readonly changes: SessionOptions } | undefined;

  /** @throws TypeError or RangeError for an unknown option or a wrong value, with its name. */
  constructor(options: SessionOptions = {}) {
    refuse("Session", sessionOptionsCheck(options));
    const { parent, changes } = Session.#extended ?? { parent: undefined, changes: options };
    Session.#extended = undefined;
    this.#parent = parent;
    this.#options = options;
    this.hooks = joinHooks(options.hooks);
    this.cookies =
      parent === undefined || changes.cookies !== undefined ? toCookies(options) : parent.cookies;
    this.#budget = options.budget ?? (parent === undefined ? defaultBudget(options) : parent.#budget);
    this.#bodies = this.#openBodies(changes);
    this.#runner = new CallRunner({
      ...toRunnerOptions(options),
      adapters: this.#adapters,
      hooks: this.hooks,
      cookies: this.cookies,
      budget: this.#budget,
      bodies: this.#bodies,
      parent: parent === undefined ? undefined : parent.#runner,
    });
    this.#mountAdapters(changes);
    bindMethods(this);
  }

  #mountAdapters(changes: SessionOptions): void {
    const parent = this.#parent;
    if (parent === undefined || changesConnections(changes)) this.#mountDefaults();
    else this.#adapters.mountAll(parent.#adapters);
    if (parent !== undefined) this.#adapters.followSubstitute(parent.#adapters);
    this.#runner.applyMounts();
  }

  #openBodies({ maxMemory }: SessionOptions): BodyBudget | undefined {
    if (maxMemory !== undefined) return new BodyBudget(maxMemory);
    return this.#parent === undefined ? undefined : this.#parent.#bodies;
  }

  #mountDefaults(): void {
    const { maxConnections, maxIdleConnections, strictHeaders, clock = systemClock } = this.#options;
    const { tls, http2, lookup, localAddress, family, socketPath } = this.#options;
    const { addresses, allowAddresses, proxyResolves } = this.#options;
    const limits = { maxConnections, maxIdleConnections, strictHeaders };
    const guard = { addresses, allowAddresses, proxyResolves };
    const connections = { ...limits, ...guard, tls, http2, lookup, localAddress, family, socketPath };
    const adapter = new HttpAdapter({ clock, ...connections });
    this.#adapters.mount("https://", adapter);
    this.#adapters.mount("http://", adapter);
  }

  /**
   * Returns a session with these options over the options of this one. `headers`, `params`, `hooks`, `retry` and `timeout` are
   * merged, every other option replaces. Both sessions share cookies, connections, mounted adapters, the retry budget and
   * learned rate limits, unless an option asks for others. Closing this session also ends the new one.
   *
   * @throws as the constructor does.
   */
  extend(options: SessionOptions): Session {
    refuse("extend", sessionOptionsCheck(options));
    Session.#extended = { parent: this, changes: options };
    try {
      return new Session(extendOptions({ ...this.#options, hooks: this.hooks }, options));
    } finally {
      Session.#extended = undefined;
    }
  }

  /**
   * Sends requests to URLs with this prefix through another adapter. The longest prefix wins.
   *
   * @throws TypeError for a prefix that no http or https URL can have, or a value that is not an adapter.
   */
  mount(prefix: string, adapter: Adapter): this {
    refuse("mount", prefixCheck(prefix));
    refuse(`mount(${JSON.stringify(prefix)})`, adapterCheck(adapter));
    this.#adapters.mount(normalizePrefix(prefix), adapter);
    this.#runner.applyMounts();
    return this;
  }

  /**
   * Replaces the network, for tests: requests of this session, and of sessions that extend it, get the replies that you set on the
   * mock. Every other request rejects, and nothing is sent.
   *
   * ```ts
   * using mock = await session.mock();
   * mock.on("https://api.example.com/users/1", { status: 503 }, { json: { name: "Ada" } });
   * ```
   */
  async mock(): Promise<SessionMock> {
    const { createMock } = await import("./mock.ts");
    const { baseUrl } = this.#options;
    const substitute = (adapter: Adapter): (() => void) => this.#adapters.substitute(adapter);
    return createMock({ clock: this.#runner.clock, baseUrl, substitute });
  }

  /**
   * Sends a request, with as many attempts as the rules allow, and follows redirects. Returns the last response whatever
   * its status, unless `throwOnStatus` or `raiseOnStatus` of the `Retry` is set.
   *
   * @throws TransportError and its subclasses, with the attempts of the call (`isFailure`); InvalidUrlError or TypeError
   * for a request that cannot be sent; the reason of the signal.
   */
  request(method: string, url: string | URL, options: StreamRequestOptions): Promise<StreamedResponse>;
  request(method: string, url: string | URL, options?: RequestOptions): ResponsePromise;
  request(method: string, url: string | URL, options?: RequestOptions): Promise<HttpResponse> {
    // A stream may fail at any time, even if the call is refused.
    if (options?.body !== undefined) ignoreFailures(options.body);
    try {
      if (this.#isOver) throw new SessionClosedError();
      if (options !== undefined) refuse("request", requestOptionsCheck(options));
      return responsePromise(this.#runner.run(method, url, options ?? noOptions));
    } catch (error) {
      return responsePromise(Promise.reject(error));
    }
  }

  /**
   * Returns how long a request would wait now for the rate limits that the session has learned; undefined when it can be sent
   * immediately. For programs that schedule requests themselves, with `onWait: "suspend"`.
   */
  findRateLimit(method: string, url: string | URL): CallWait | undefined {
    return this.#runner.findRateLimit(method, url);
  }

  /**
   * Downloads a body to a file. The body is written to `file.part`, which an interrupted download may have begun, and
   * gets its name when it is complete.
   *
   * @throws StatusError for a response that is not a success; FileBusyError, DiskFullError, FileAccessError, DigestError;
   * the errors of `request`.
   */
  async download(url: string | URL, file: string, options: DownloadOptions = {}): Promise<DownloadResult> {
    if (options.body !== undefined) ignoreFailures(options.body);
    if (this.#isOver) throw new SessionClosedError();
    if (typeof file !== "string" || file === "")
      throw new TypeError("download takes the path of a file as its second argument: download(url, file)");
    refuse("download", downloadOptionsCheck(options));
    return this.#runner.download(url, file, options);
  }

  /**
   * Requests page after page, and returns their items one by one. A page is requested when the items before it are used up.
   *
   * ```ts
   * for await (const issue of session.paginate<Issue>("/issues?per_page=100")) console.log(issue.title);
   * ```
   *
   * @throws StatusError for a page that is not a success; PaginationError for a page without a list of items, or a next page
   * that came before or is on another origin; the errors of `request`.
   */
  paginate<Item = unknown>(
    url: string | URL,
    options: PaginateOptions<Item> = {},
  ): AsyncGenerator<Item, void, undefined> {
    refuse("paginate", paginateOptionsCheck(options));
    const request: PageSource["request"] = (method, page, own) => this.request(method, page, own);
    return loadPages({ request, sessionParams: this.#options.params }, url, options);
  }

  /**
   * Returns the server-sent events of a URL as they arrive. Connects again when the stream breaks off, with Last-Event-ID, and
   * ends when the server responds with 204. `timeout.read` limits the silence between events, comments included, and
   * `timeout.total` the whole stream.
   *
   * @throws StatusError for a response that is not a success; EventStreamError for one that is not a stream of events;
   * LineTooLongError; the errors of `request`, once its retries are used up.
   */
  events(url: string | URL, options: EventsOptions = {}): AsyncGenerator<ServerSentEvent, void, undefined> {
    refuse("events", eventsOptionsCheck(options));
    const { clock, random } = this.#runner;
    const { timeout } = options;
    const method = usualMethod(options);
    const open: EventSource["open"] = (own) => this.request(method, url, own);
    return loadEvents({ clock, random, total: this.#runner.totalTimeout(timeout), open }, options);
  }

  get(url: string | URL, options: StreamRequestOptions): Promise<StreamedResponse>;
  get(url: string | URL, options?: RequestOptions): ResponsePromise;
  get(url: string | URL, options?: RequestOptions): Promise<HttpResponse> {
    return this.request("GET", url, options);
  }

  head(url: string | URL, options: StreamRequestOptions): Promise<StreamedResponse>;
  head(url: string | URL, options?: RequestOptions): ResponsePromise;
  head(url: string | URL, options?: RequestOptions): Promise<HttpResponse> {
    return this.request("HEAD", url, options);
  }

  options(url: string | URL, options: StreamRequestOptions): Promise<StreamedResponse>;
  options(url: string | URL, options?: RequestOptions): ResponsePromise;
  options(url: string | URL, options?: RequestOptions): Promise<HttpResponse> {
    return this.request("OPTIONS", url, options);
  }

  post(url: string | URL, options: StreamRequestOptions): Promise<StreamedResponse>;
  post(url: string | URL, options?: RequestOptions): ResponsePromise;
  post(url: string | URL, options?: RequestOptions): Promise<HttpResponse> {
    return this.request("POST", url, options);
  }

  put(url: string | URL, options: StreamRequestOptions): Promise<StreamedResponse>;
  put(url: string | URL, options?: RequestOptions): ResponsePromise;
  put(url: string | URL, options?: RequestOptions): Promise<HttpResponse> {
    return this.request("PUT", url, options);
  }

  patch(url: string | URL, options: StreamRequestOptions): Promise<StreamedResponse>;
  patch(url: string | URL, options?: RequestOptions): ResponsePromise;
  patch(url: string | URL, options?: RequestOptions): Promise<HttpResponse> {
    return this.request("PATCH", url, options);
  }

  delete(url: string | URL, options: StreamRequestOptions): Promise<StreamedResponse>;
  delete(url: string | URL, options?: RequestOptions): ResponsePromise;
  delete(url: string | URL, options?: RequestOptions): Promise<HttpResponse> {
    return this.request("DELETE", url, options);
  }

  /**
   * The platform's `fetch`, sent through this session: with its retries, rate limits, credentials and connections. Every other
   * rule is that of the Fetch standard. See `createFetch`.
   */
  get fetch(): typeof globalThis.fetch {
    return (this.#fetch ??= lazyFetch(engineOf(this)));
  }

  get #isOver(): boolean {
    return this.#isClosed || (this.#parent !== undefined && this.#parent.#isOver);
  }

  /**
   * Closes every connection, except those that belong to the session that this one extends. Requests that are running or wait
   * for their next attempt, and later ones, reject with a SessionClosedError.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#runner.close(new SessionClosedError());
    const shared = new Set(this.#parent === undefined ? [] : this.#parent.#adapters.values);
    const own = new Set(this.#adapters.values.filter((adapter) => !shared.has(adapter)));
    await Promise.all([...own].map((adapter) => adapter.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  static {
    engineOf = (session) => ({
      runner: session.#runner,
      defaults: toRequestDefaults(session.#options, noHeaders),
      options: session.#options,
      checkOpen: () => {
        if (session.#isOver) throw new SessionClosedError();
      },
    });
  }
}

/** Loads the code of `paginate` at its first use. */
async function* loadPages<Item>(
  source: PageSource,
  url: string | URL,
  options: PaginateOptions<Item>,
): AsyncGenerator<Item, void, undefined> {
  const { paginate } = await import("./paginate.ts");
  yield* paginate(source, url, options);
}

/** Loads the code of `events` at its first use. */
async function* loadEvents(
  source: EventSource,
  options: EventsOptions,
): AsyncGenerator<ServerSentEvent, void, undefined> {
  const { events } = await import("./events.ts");
  yield* events(source, options);
}

function toCookies({ cookies }: SessionOptions): Cookies | undefined {
  return cookies === false ? undefined : new Cookies(cookies);
}

const boundMethods = [
  "request",
  "get",
  "head",
  "options",
  "post",
  "put",
  "patch",
  "delete",
  "download",
  "paginate",
  "events",
] as const satisfies readonly (keyof Session)[];

/** Binds the methods that send requests, for `const { get, post } = session`. */
function bindMethods(session: Session): void {
  for (const name of boundMethods)
    Object.defineProperty(session, name, {
      value: session[name].bind(session),
      configurable: true,
      writable: true,
    });
}
