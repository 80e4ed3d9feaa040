import type { Clock, Random, RetryBudget } from "@holdfast/policy";
import type { DownloadResult, OpenBody } from "../download/download.ts";
import type { WaitForReader } from "../files/direct-output.ts";
import type { BodyBudget, BodyShare } from "../model/body-budget.ts";
import { RecycledMemory } from "../model/body-memory.ts";
import type { Body } from "../model/body.ts";
import { isRedirectStatus } from "../model/redirect-request.ts";
import { hostOf } from "../model/request.ts";
import { summarizeRequest } from "../model/request-summary.ts";
import { unreadBodyOf, type HttpResponse } from "../model/response.ts";
import { toStatusError } from "../model/streamed-response.ts";
import { Limiters } from "../pacing/limiters.ts";
import { formatProxyForLog } from "../proxy/route/route.ts";
import { attachCallInfo } from "../telemetry/call-failure.ts";
import { joinHooks, type Hooks } from "../telemetry/hooks.ts";
import { resolveTimeouts, timeoutDefaults, type Timeouts } from "../transport/timeouts.ts";
import { buildRequest, usualMethod, type PreparedRequest, type RequestDefaults } from "./build-request.ts";
import type { Call } from "./call.ts";
import { waitWithinBounds } from "./call-bounds.ts";
import { CallFactory, type CallFactoryOptions } from "./call-factory.ts";
import type { CallContext } from "./context.ts";
import { followRedirects } from "./follow-redirects.ts";
import type { DownloadOptions, RequestOptions } from "./options.ts";
import { RetryLoop } from "./retry-loop.ts";
import type { CallWait } from "./suspension.ts";
import { runErrorHooks } from "./run-hooks.ts";
import { closableClock, type ClosableClock } from "./session-clock.ts";
import type { StreamParts } from "./streaming.ts";
import { isBodyUnread, readUnreadBody } from "./unread-body.ts";

/** The options of a session, with its defaults filled in. */
export interface CallRunnerOptions extends Omit<CallFactoryOptions, "limiters"> {
  readonly request: RequestDefaults;
  readonly hooks: Hooks;
  readonly timeouts: Timeouts;
  readonly throwOnStatus: boolean | undefined;
  readonly waitForCircuit: boolean | undefined;
  readonly maxRedirects: number | null;
  /** The limit that the session sets; undefined leaves it to `maxBufferedBytes` and, for streams, to no limit. */
  readonly maxBytes: number | undefined;
  /** Undefined means the default of a body that is not streamed. */
  readonly minSpeed: number | undefined;
  readonly verifyDigest: boolean | undefined;
  readonly maxBufferedBytes: number;
  readonly sensitiveHeaders: readonly string[];
  /** Undefined is true. */
  readonly pacing: boolean | "even" | undefined;
  readonly budget: RetryBudget;
  /** The memory for all bodies at a time; undefined has no bound. */
  readonly bodies: BodyBudget | undefined;
  readonly clock: Clock;
  readonly random: Random;
  /** The runner of the session that this one extends. Its limits are shared, and its end ends this one. */
  readonly parent: CallRunner | undefined;
}

// Loaded with the first streamed response. Hot path: even an import of a loaded module takes several microseconds.
let streaming: typeof import("./streaming.ts") | undefined;

/** Runs the calls of a session: builds the request, makes its attempts, follows redirects. */
export class CallRunner {
  readonly #options: CallRunnerOptions;
  readonly #clock: ClosableClock;
  readonly #limiters: Limiters | undefined;
  readonly #calls: CallFactory;
  readonly #loop: RetryLoop;
  #hasMountTimeouts = false;

  constructor(options: CallRunnerOptions) {
    this.#options = options;
    const { clock, parent } = options;
    this.#clock =
      parent === undefined
        ? closableClock(clock)
        : closableClock(parent.#options.clock === clock ? parent.#clock : clock, parent.#clock.closed);
    this.#limiters = this.#sharedLimiters() ?? toLimiters(options);
    this.#calls = new CallFactory({ ...options, limiters: this.#limiters });
    this.#loop = new RetryLoop(options);
  }

  /**
   * Runs one call, and returns its last response.
   *
   * Not an async function, nor are the functions that it calls on the way: each would cost every request a promise and a
   * microtask.
   *
   * @throws InvalidUrlError or TypeError for a request that cannot be built.
   */
  run(method: string, url: string | URL, options: RequestOptions): Promise<HttpResponse> {
    if (options.onWait === "suspend") return this.#runSuspendable(method, url, options);
    const request = buildRequest(method, url, { session: this.#options.request, own: options });
    const context = this.#contextFor(options, request);
    if (options.stream === true) return this.#stream(request, context, { resumption: {} });
    const response = this.#start(request, context);
    const { memory } = context;
    return memory === undefined ? response : response.finally(() => memory.close());
  }

  /** Runs a call that ends in place of its waits, or continues one. */
  async #runSuspendable(method: string, url: string | URL, options: RequestOptions): Promise<HttpResponse> {
    const { continuation } = options;
    // Loaded at the first call of a scheduler.
    const { SuspendableCall, withStoredKey } = await import("./suspension.ts");
    const prepared = buildRequest(method, url, {
      session: this.#options.request,
      own: withStoredKey(options),
    });
    const bounds = this.#contextFor(options, prepared);
    const suspendable = new SuspendableCall(bounds, { prepared, continuation, calls: this.#calls });
    const response = suspendable.withHistory(this.#start(prepared, suspendable.context, suspendable.call));
    return response.finally(() => bounds.memory?.close());
  }

  /**
   * Runs the call of a fetch or a dispatcher with a complete request. Returns the response with its body as it arrives, and as
   * it was sent.
   */
  open(prepared: PreparedRequest, options: RequestOptions): Promise<HttpResponse> {
    const context = this.#contextFor({ ...options, stream: true, throwOnStatus: false }, prepared, true);
    return this.#stream(prepared, context, { resumption: {} });
  }

  /** Whether requests are retried, unless their adapter or they themselves have another rule. */
  get retries(): boolean {
    return Boolean(this.#options.retry.total);
  }

  /**
   * Downloads a body to a file.
   *
   * @throws TypeError for a HEAD; as `download` in `download/` does.
   */
  async download(
    url: string | URL,
    file: string,
    { method: given, ...options }: DownloadOptions,
  ): Promise<DownloadResult> {
    const method = usualMethod({ ...options, method: given });
    // The file is verified as a whole. The digests of an encoded body apply to its bytes before they are decoded.
    const built = buildRequest(method, url, { session: this.#options.request, own: options });
    const { minSpeed = this.#options.minSpeed ?? timeoutDefaults.minSpeed } = options;
    const bounds = this.#contextFor({ ...options, minSpeed, stream: true }, built);
    // A download throws a StatusError itself.
    const context = { ...bounds, verifyDigest: "encoded", throwOnStatus: false } as const;
    if (built.request.method === "HEAD")
      throw new TypeError("download saves a response body, and a HEAD has none: use GET");
    // The file gets the bytes as the server has them, because parts of an encoded body cannot be joined.
    const headers = { ...built.request.headers, "accept-encoding": "identity" };
    const plain = { ...built, request: { ...built.request, headers } };
    const bodyMemory = new RecycledMemory();
    const openBody: OpenBody = (resumption) => this.#stream(plain, context, { resumption, bodyMemory });
    const waitForReader: WaitForReader = (wait) =>
      waitWithinBounds(wait, context, { name: `the reader of ${file}` });
    // Loaded at the first download, with node:fs/promises.
    const { download } = await import("../download/download.ts");
    return download(file, options, { openBody, clock: this.#clock, bodyMemory, waitForReader });
  }

  /** The clock of the session. `close` ends its sleeps. */
  get clock(): Clock {
    return this.#clock;
  }

  get random(): Random {
    return this.#options.random;
  }

  /** Returns the longest duration of a call with this `timeout`, in milliseconds. */
  totalTimeout(timeout: RequestOptions["timeout"]): number {
    return resolveTimeouts(timeout, this.#options.timeouts).total;
  }

  /** Returns the wait of a request by the rate limits that are known; undefined when it can be sent immediately. */
  findRateLimit(method: string, url: string | URL): CallWait | undefined {
    const limiters = this.#limiters;
    if (limiters === undefined || limiters.isEmpty) return undefined;
    const { request: session, router } = this.#options;
    const { request } = buildRequest(method, url, { session, own: {} });
    const route = request.socketPath === undefined ? router(request.url) : undefined;
    if (typeof route === "object") return undefined;
    const turn = limiters.nextTurn({ request, proxy: route }, this.#clock.date());
    if (turn === undefined) return undefined;
    const proxy = route === undefined ? undefined : formatProxyForLog(route);
    return {
      until: turn.at,
      scope: "host",
      source: turn.source,
      isStated: true,
      host: hostOf(request),
      proxy,
    };
  }

  /** Ends every wait and every idle connection through a pool with this error. */
  close(reason: Error): void {
    this.#clock.close(reason);
    if (this.#sharedLimiters() === undefined) this.#limiters?.close(reason);
    this.#calls.close();
  }

  /** The limits of the parent, if both read the same clock and pace in the same way. */
  #sharedLimiters(): Limiters | undefined {
    const { parent, clock, pacing } = this.#options;
    if (parent === undefined || clock !== parent.#options.clock || pacing !== parent.#options.pacing)
      return undefined;
    return parent.#limiters;
  }

  /** Applies the settings of the adapters, after one was mounted. */
  applyMounts(): void {
    this.#hasMountTimeouts = this.#options.adapters.values.some(({ timeout }) => timeout !== undefined);
  }

  #timeoutsFor(options: RequestOptions, prepared: PreparedRequest): Timeouts {
    const timeouts = this.#givenTimeouts(options, prepared);
    const minSpeed =
      options.minSpeed ?? this.#options.minSpeed ?? (options.stream === true ? 0 : timeouts.minSpeed);
    return minSpeed === timeouts.minSpeed ? timeouts : { ...timeouts, minSpeed };
  }

  #givenTimeouts({ timeout }: RequestOptions, { request }: PreparedRequest): Timeouts {
    const { timeouts } = this.#options;
    // Hot path: the adapter is looked up again later.
    if (!this.#hasMountTimeouts) return timeout === undefined ? timeouts : resolveTimeouts(timeout, timeouts);
    const adapter = this.#calls.adapterFor(request.url);
    return resolveTimeouts(timeout, resolveTimeouts(adapter.timeout, timeouts));
  }

  #contextFor(options: RequestOptions, prepared: PreparedRequest, isFetch = false): CallContext {
    const session = this.#options;
    const timeouts = this.#timeoutsFor(options, prepared);
    return {
      clock: this.#clock,
      closed: this.#clock.closed,
      timeouts,
      throwOnStatus: options.throwOnStatus ?? session.throwOnStatus === true,
      waitForCircuit: options.waitForCircuit ?? session.waitForCircuit === true,
      deadline: this.#clock.now() + timeouts.total,
      signal: withoutNull(options.signal),
      drain: withoutNull(options.drain),
      hooks: options.hooks === undefined ? session.hooks : joinHooks(session.hooks, options.hooks),
      maxRedirects: options.maxRedirects === undefined ? session.maxRedirects : options.maxRedirects,
      maxBytes:
        options.maxBytes ??
        session.maxBytes ??
        (options.stream === true ? Infinity : session.maxBufferedBytes),
      verifyDigest: options.verifyDigest ?? session.verifyDigest,
      sensitiveHeaders: session.sensitiveHeaders,
      retry: options.retry,
      pacing: options.pacing,
      proxy: options.proxy,
      memory: this.#openShare(options),
      isFetch,
    };
  }

  #openShare({ stream }: RequestOptions): BodyShare | undefined {
    return stream === true ? undefined : this.#options.bodies?.open();
  }

  async #stream(
    request: PreparedRequest,
    context: CallContext,
    parts: Omit<StreamParts, "loop">,
  ): Promise<HttpResponse> {
    streaming ??= await import("./streaming.ts");
    const { ResponseStreams } = streaming;
    const streams = new ResponseStreams(context, { ...parts, loop: this.#loop });
    try {
      // The body of a stream is read before its error is built.
      const response = await this.#start(request, { ...context, throwOnStatus: false, streams });
      streams.settle(response);
      if (!context.throwOnStatus || response.status < 400) return response;
      throw await this.#statusError(response, request, context);
    } catch (error) {
      streams.settle();
      throw error;
    }
  }

  async #statusError(
    response: HttpResponse,
    { request }: PreparedRequest,
    bounds: CallContext,
  ): Promise<unknown> {
    const error = await toStatusError(response);
    const { attempts, elapsed, retryAt, verdict } = error.response;
    const failure = { request: summarizeRequest(request), attempts, elapsed, retryAt, verdict };
    attachCallInfo(error, { ...failure, response: error.response });
    await runErrorHooks({ hooks: bounds.hooks.error, request, bounds }, error);
    return error;
  }

  #start(prepared: PreparedRequest, bounds: CallContext, created?: Call): Promise<HttpResponse> {
    const context = endWithBody(bounds, prepared.request.body);
    const call = created ?? this.#calls.create(prepared, context);
    // Hot path: one `then` where two would do, 1 % of a small request.
    const response = this.#loop.run(call, context).then((result) => {
      if (
        result.response !== undefined &&
        unreadBodyOf(result.response) !== undefined &&
        isBodyUnread(result)
      )
        return readUnreadBody(result).then((last) => call.finish(last));
      const finished = call.finish(result);
      return finished.status >= 300 && isRedirectStatus(finished.status)
        ? this.#followRedirects(prepared, { call, response: finished, context })
        : finished;
    });
    const { error: hooks } = bounds.hooks;
    if (hooks.length === 0) return response;
    return response.catch(async (error: unknown) => {
      if (error === undefined || error !== bounds.suspension?.error)
        await runErrorHooks({ hooks, request: prepared.request, bounds }, error);
      throw error;
    });
  }

  #followRedirects(
    prepared: PreparedRequest,
    { call, response, context }: { call: Call; response: HttpResponse; context: CallContext },
  ): Promise<HttpResponse> {
    return followRedirects(
      { ...prepared, call, response },
      { context, calls: this.#calls, loop: this.#loop },
    );
  }
}

function withoutNull<T>(value: T | null | undefined): T | undefined {
  return value ?? undefined;
}

/** A stream that fails by itself ends its call, also while the call waits. */
function endWithBody(context: CallContext, body: Body): CallContext {
  if (body.kind !== "one-shot" || body.failure === undefined) return context;
  const { signal } = context;
  return {
    ...context,
    signal: signal === undefined ? body.failure : AbortSignal.any([signal, body.failure]),
  };
}

function toLimiters({ pacing, clock }: CallRunnerOptions): Limiters | undefined {
  return pacing === false ? undefined : new Limiters(clock, { even: pacing === "even" });
}
