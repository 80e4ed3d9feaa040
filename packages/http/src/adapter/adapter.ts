import { DeadlineExceededError, systemClock, type Clock } from "@holdfast/policy";
import { ownValue } from "@holdfast/policy/internal";
import type { DiscardedResponse } from "../model/attempt-record.ts";
import { refuse } from "../support/validate.ts";
import type { BodyMemory } from "../model/body-memory.ts";
import type { HeaderRecord } from "../model/headers.ts";
import type { ExchangeLimits, RawResponse, WireRequest } from "../transport/wire/messages.ts";
import { decodeStream } from "../transport/decode/decode-stream.ts";
import { Transport } from "../transport/transport.ts";
import { socketHost } from "../transport/unix-url.ts";
import { attachVerifier, digestVerifier, verifiedSource, verifyBody } from "./verify-digest.ts";
import { toResponse } from "./to-response.ts";
import { forwardedReplyReason } from "../transport/tunnel/proxy-replies.ts";
import { ProxyError } from "../errors/transport-errors.ts";
import type { HttpAdapterOptions } from "./options.ts";
import { adapterOptionsCheck } from "./validate-options.ts";
import { provesRequestUnsent } from "../errors/proxy-reason.ts";
import { proxyAuthorization, forwardsPlainHttp } from "../transport/proxy-url.ts";
import { isIdempotent, requestTarget, type HttpRequest, type WireForm } from "../model/request.ts";
import type { HttpResponse } from "../model/response.ts";
import type { RetrySetting } from "../retry/setting.ts";
import { StreamedResponse } from "../model/streamed-response.ts";
import type { Timeouts, TimeoutSetting } from "../transport/timeouts.ts";
import type { Observer } from "../model/trace.ts";

/** The limits of one attempt, and its proxy. */
export interface SendOptions {
  /** Limits of the attempt, in milliseconds. */
  readonly timeouts: Timeouts;
  /** The instant on the session's clock at which the whole call must have ended. */
  readonly deadline: number;
  /** Largest body in bytes, decoded. */
  readonly maxBytes: number;
  /** Whether to verify the digests of the response (RFC 9530), or only those of a body with a Content-Encoding. @default false */
  readonly verifyDigest?: boolean | "encoded" | undefined;
  /** Ends the attempt. */
  readonly signal: AbortSignal | undefined;
  /** URL of the proxy with its credentials; undefined connects directly. */
  readonly proxy?: string | undefined;
  /** Receives the timings and byte counts of the attempt. */
  readonly observer?: AttemptObserver | undefined;
}

/** Receives the timings and byte counts of an attempt, and the responses that it discards. */
export interface AttemptObserver extends Observer {
  /** Receives a response that the attempt discards, before the attempt sends another request. */
  discard?(discarded: DiscardedResponse, exchange?: DiscardedExchange): Promise<void> | void;
}

/** A discarded response, and its request. */
export interface DiscardedExchange {
  readonly response: HttpResponse;
  readonly request: HttpRequest;
}

/** Sends a request once and reads the response: the interface between a session and the network. */
export interface Adapter {
  /** Rule for retries of requests through this adapter, merged over that of the session. @default the `retry` of the session */
  readonly retry?: RetrySetting | undefined;
  /** Limits of calls that begin at this adapter, merged over those of the session. @default the `timeout` of the session */
  readonly timeout?: TimeoutSetting | undefined;
  /** `false` sends requests without waiting for learned rate limits. @default the `pacing` of the session */
  readonly pacing?: boolean | undefined;
  /** Path of the Unix socket that every request is sent to, without a proxy. @default none */
  readonly socketPath?: string | undefined;
  /**
   * Returns the response, whatever its status, with its complete body. The body may be left unread if
   * `observer.continuesWithoutBody` returns true.
   *
   * @throws TransportError if there is no response; the reason of the signal.
   */
  send(request: HttpRequest, options: SendOptions): Promise<HttpResponse>;
  /**
   * Returns the response as soon as its head has arrived. Without this method, `stream: true` uses `send`.
   *
   * @throws the errors of `send`, which reading the body throws too.
   */
  stream?(request: HttpRequest, options: StreamOptions): Promise<StreamedResponse>;
  /**
   * Has the proxy of the options open a tunnel to the host of the URL, and closes it. So a provider of proxies learns what the
   * proxy itself says, and not a server behind it.
   *
   * @throws ProxyError if the proxy refuses; other errors of `send`.
   */
  testTunnel?(url: URL, options: SendOptions): Promise<void>;
  /**
   * Releases a proxy by the URL that `send` received. Idle connections close immediately, busy ones when their request
   * ends. Everything that was learned about the proxy is dropped.
   */
  forget?(proxyUrl: string): void;
  /** Closes every connection. */
  close(): Promise<void>;
}

/** The limits of an attempt with a body that is read later. */
export interface StreamOptions extends SendOptions {
  /** Replaces `deadline` and `signal` once the head has arrived. */
  readonly after: Pick<SendOptions, "deadline" | "signal">;
  /** Memory for the pieces of the body, which its reader gives back. @default new memory for each piece */
  readonly bodyMemory?: BodyMemory | undefined;
}

/** Sends over TCP and TLS. A session uses it unless another adapter is mounted. */
export class HttpAdapter implements Adapter {
  readonly retry: RetrySetting | undefined;
  readonly timeout: TimeoutSetting | undefined;
  readonly pacing: boolean | undefined;
  readonly socketPath: string | undefined;
  readonly #transport: Transport;
  readonly #clock: Clock;

  /** @throws TypeError or RangeError for an unknown option or a wrong value, with its name. */
  constructor(options: HttpAdapterOptions = {}) {
    refuse("HttpAdapter", adapterOptionsCheck(options));
    const { retry, timeout, pacing, ...transport } = options;
    this.retry = retry;
    this.timeout = timeout;
    this.pacing = pacing;
    this.socketPath = options.socketPath;
    this.#transport = new Transport(transport);
    this.#clock = options.clock ?? systemClock;
  }

  send(request: HttpRequest, options: SendOptions): Promise<HttpResponse> {
    const { url, socketPath } = request;
    const { proxy } = options;
    const wireRequest = toWireRequest(request, proxy, this.socketPath);
    return this.#transport
      .send({ url, proxy, socketPath }, wireRequest, toExchangeLimits(options))
      .then((reply) => {
        const proxyError = findProxyError(reply, url, proxy);
        if (proxyError === undefined) {
          if (options.verifyDigest === true && reply.unreadBody === undefined)
            verifyBody(reply.body, { ...reply, url: url.href, method: request.method });
          // Hot path: most bodies have no coding, and need no check.
          if (reply.headers["content-encoding"] === undefined) return toResponse(reply, url.href, options);
          const check = (): void => this.#checkBounds(options, options.timeouts.total);
          const sleep = (ms: number): Promise<void> => this.#clock.sleep(ms);
          return toResponse(reply, url.href, { ...options, check, sleep });
        }
        reply.unreadBody?.discard();
        throw proxyError;
      });
  }

  async stream(request: HttpRequest, options: StreamOptions): Promise<StreamedResponse> {
    const { url, socketPath } = request;
    const { maxBytes, proxy, after, bodyMemory } = options;
    const limits = { ...toExchangeLimits(options), bodyBounds: after, bodyMemory };
    const wireRequest = toWireRequest(request, proxy, this.socketPath);
    const reply = await this.#transport.open({ url, proxy, socketPath }, wireRequest, limits);
    const { status, statusText, headers, body } = reply;
    const proxyError = findProxyError(reply, url, proxy);
    if (proxyError !== undefined) {
      body.cancel(proxyError);
      throw proxyError;
    }
    const coding = headers["content-encoding"];
    const head = { status, headers, url: url.href, method: request.method };
    const isVerified =
      options.verifyDigest === true || (options.verifyDigest === "encoded" && coding !== undefined);
    const verifier = isVerified ? digestVerifier(head) : undefined;
    const source = verifier === undefined ? body : verifiedSource(body, verifier);
    const check = (): void => this.#checkBounds(after, options.timeouts.total);
    const isDecoded = coding !== undefined && request.wireForm === undefined;
    const decoded = isDecoded ? decodeStream(source, String(coding), { maxBytes, check }) : source;
    const mayBeAbandoned = request.wireForm === undefined;
    const init = { status, statusText, url: url.href, headers, body: decoded, mayBeAbandoned };
    const response = new StreamedResponse(init);
    return verifier === undefined ? response : attachVerifier(response, verifier);
  }

  testTunnel(url: URL, { proxy, signal, deadline, timeouts }: SendOptions): Promise<void> {
    if (proxy === undefined) return Promise.resolve();
    const limits = { deadline, connectLimit: timeouts.connect, proxyLimits: timeouts.proxy };
    return this.#transport.testTunnel({ proxy, url, signal, ...limits });
  }

  /** @throws DeadlineExceededError; the reason of the signal. The transport no longer observes a body that has arrived. */
  #checkBounds({ deadline, signal }: StreamOptions["after"], total: number): void {
    signal?.throwIfAborted();
    if (deadline < Infinity && this.#clock.now() >= deadline) throw new DeadlineExceededError(total);
  }

  forget(proxyUrl: string): void {
    this.#transport.forget(proxyUrl);
  }

  close(): Promise<void> {
    return this.#transport.close();
  }
}

function toExchangeLimits({
  timeouts: { connect, proxy, read, attempt, total, wire, minSpeed },
  deadline,
  maxBytes,
  signal,
  observer,
}: SendOptions): ExchangeLimits {
  return { connect, proxy, read, attempt, total, deadline, maxBytes, minSpeed, wire, signal, observer };
}

function toWireRequest(
  request: HttpRequest,
  proxy: string | undefined,
  adapterSocket: string | undefined,
): WireRequest {
  const { method, url, body, idempotencyKey, wireForm, socketPath = adapterSocket } = request;
  // A proxy for plain http takes the whole URL (RFC 9112 §3.2.2), and its credentials with each request.
  const forwarded = isForwarded(url, proxy);
  const given = socketPath === undefined ? requestHeaders(request) : withSocketHost(requestHeaders(request));
  const path = writtenTarget(request);
  const headers = forwarded ? withProxyAuthorization(given, proxy) : withoutProxyAuthorization(given);
  return {
    method,
    path: forwarded ? url.origin + path : path,
    headers: wireForm === undefined ? headers : withWrittenNames(headers, wireForm),
    body,
    idempotent: body.kind !== "one-shot" && (idempotencyKey !== undefined || isIdempotent(method)),
    url,
    target: socketPath ?? url.host,
    passesCoded: wireForm !== undefined,
  };
}

/** Returns path and query, as the caller of a dispatcher wrote them. */
export function writtenTarget({ url, wireForm }: HttpRequest): string {
  return wireForm?.target ?? requestTarget(url);
}

/** Returns the headers with names in the case in which the caller wrote them. */
export function withWrittenNames(headers: HeaderRecord, { names }: WireForm): HeaderRecord {
  if (names === undefined) return headers;
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [ownValue(names, name) ?? name, value]),
  );
}

/** Returns the headers of a request, with the type of its body. */
export function requestHeaders({ headers, body }: HttpRequest): HeaderRecord {
  if (!("contentType" in body) || "content-type" in headers) return headers;
  return { ...headers, "content-type": body.contentType };
}

/** Adds the Host header of a request to a socket, which has no host. */
function withSocketHost(headers: HeaderRecord): HeaderRecord {
  return "host" in headers ? headers : { ...headers, host: socketHost };
}

/** Whether the proxy receives the request itself, and does not only open a tunnel. */
function isForwarded(url: URL, proxy: string | undefined): proxy is string {
  return proxy !== undefined && url.protocol === "http:" && forwardsPlainHttp(proxy);
}

/** Removes Proxy-Authorization, which is for a proxy alone (RFC 9110 §11.7.2), from a request that the origin reads. */
function withoutProxyAuthorization(headers: HeaderRecord): HeaderRecord {
  if (!("proxy-authorization" in headers)) return headers;
  const { "proxy-authorization": _, ...rest } = headers;
  return rest;
}

/** Adds the credentials of the proxy that receives the request; without any, those of the caller stay. */
function withProxyAuthorization(headers: HeaderRecord, proxy: string): HeaderRecord {
  const authorization = proxyAuthorization(new URL(proxy));
  return authorization === undefined ? headers : { ...headers, "proxy-authorization": authorization };
}

/** Returns the error for a response that the proxy sent in place of the origin. */
function findProxyError(
  { status, statusText, headers }: Pick<RawResponse, "status" | "statusText" | "headers">,
  url: URL,
  proxy: string | undefined,
): ProxyError | undefined {
  if (status < 400 || !isForwarded(url, proxy)) return undefined;
  const reason = forwardedReplyReason(status, headers);
  if (reason === undefined) return undefined;
  const retryAfter = headers["retry-after"];
  return new ProxyError(
    `The proxy ${new URL(proxy).host} did not forward the request: ${status} ${statusText}`.trimEnd(),
    {
      status,
      reason,
      // The proxy received the request and its body. Unless the reason proves otherwise, the origin may have too.
      phase: "headers",
      mayHaveArrived: !provesRequestUnsent(reason),
      ...(retryAfter !== undefined && { retryAfter: String(retryAfter) }),
    },
  );
}
