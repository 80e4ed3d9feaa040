import type { DiscardedResponse } from "../model/attempt-record.ts";
import { refuse } from "../support/validate.ts";
import type { HeaderRecord } from "../model/headers.ts";
import type { ExchangeLimits, RawResponse, WireRequest } from "../transport/wire/messages.ts";
import { decodeStream } from "../transport/decode/decode-stream.ts";
import { Transport } from "../transport/transport.ts";
import { toResponse } from "./to-response.ts";
import { forwardedReplyReason } from "../transport/tunnel/proxy-replies.ts";
import { ProxyError } from "../errors/transport-errors.ts";
import type { HttpAdapterOptions } from "./options.ts";
import { adapterOptionsCheck } from "./validate-options.ts";
import { provesRequestUnsent } from "../errors/proxy-reason.ts";
import { proxyAuthorization, forwardsPlainHttp } from "../transport/proxy-url.ts";
import type { HttpRequest } from "../model/request.ts";
import type { HttpResponse } from "../model/response.ts";
import type { Retry } from "../retry/retry.ts";
import { isIdempotent } from "../model/methods.ts";
import { StreamedResponse } from "../model/streamed-response.ts";
import type { Timeouts } from "../transport/timeouts.ts";
import type { Observer } from "../model/trace.ts";

/** What bounds one sending of a request. */
export interface SendOptions {
  readonly timeouts: Timeouts;
  /** The instant on the session's clock by which the whole call must have ended. */
  readonly deadline: number;
  /** The most that a body may grow to, decoded. */
  readonly maxBytes: number;
  readonly signal: AbortSignal | undefined;
  /** The URL of the proxy to go through, with its credentials; undefined goes directly. */
  readonly proxy?: string | undefined;
  /** Hears what the wire saw. */
  readonly observer?: AttemptObserver | undefined;
}

/** Hears of an attempt what the wire saw, and which answers it could not use. */
export interface AttemptObserver extends Observer {
  /** Hears of an answer that the attempt could not use, and before it asks once more where it does so. */
  discard?(discarded: DiscardedResponse, seen?: DiscardedExchange): Promise<void> | void;
}

/** An answer, and the request that it was to. */
export interface DiscardedExchange {
  readonly response: HttpResponse;
  readonly request: HttpRequest;
}

/** Sends a request once and reads the whole answer: the seam between a session and the wire. */
export interface Adapter {
  /** How often, and when, what is sent through here is sent again; the session's own rule without it. */
  readonly retry?: Retry | undefined;
  /**
   * Gives the answer, whatever its status, its body complete; one that `observer.continuesWithoutBody` says is gone on from may come
   * without its body.
   *
   * @throws TransportError when there is none, or the signal's reason.
   */
  send(request: HttpRequest, options: SendOptions): Promise<HttpResponse>;
  /**
   * Gives the answer as soon as its head is there; without it, `stream: true` gives what `send` brings.
   *
   * @throws as `send` does; so does the body while it is read.
   */
  stream?(request: HttpRequest, options: StreamOptions): Promise<StreamedResponse>;
  /**
   * Lets go of a proxy, named by the URL that `send` was given: its idle connections close at once, those in use when
   * their request ends, and nothing is remembered of it.
   */
  forget?(proxyUrl: string): void;
  /** Lets go of every connection. */
  close(): Promise<void>;
}

/** What bounds one sending of a request whose answer is read later. */
export interface StreamOptions extends SendOptions {
  /** What takes the place of `deadline` and `signal` once the head is here. */
  readonly after: Pick<SendOptions, "deadline" | "signal">;
}

/** Sends over TCP and TLS: what a session uses unless another adapter is mounted. */
export class HttpAdapter implements Adapter {
  readonly retry: Retry | undefined;
  readonly #transport: Transport;

  /** @throws TypeError or RangeError that names the option which is none, or is not what it may be. */
  constructor(options: HttpAdapterOptions = {}) {
    refuse("HttpAdapter", adapterOptionsCheck(options));
    const { retry, ...transport } = options;
    this.retry = retry;
    this.#transport = new Transport(transport);
  }

  send(request: HttpRequest, options: SendOptions): Promise<HttpResponse> {
    const { url } = request;
    const { proxy } = options;
    return this.#transport
      .send({ url, proxy }, toWireRequest(request, proxy), toExchangeLimits(options))
      .then((answer) => {
        const complaint = findProxyError(answer, url, proxy);
        if (complaint === undefined) return toResponse(answer, url.href, options);
        answer.unreadBody?.discard();
        throw complaint;
      });
  }

  async stream(request: HttpRequest, options: StreamOptions): Promise<StreamedResponse> {
    const { url } = request;
    const { maxBytes, proxy, after } = options;
    const limits = { ...toExchangeLimits(options), bodyBounds: after };
    const answer = await this.#transport.open({ url, proxy }, toWireRequest(request, proxy), limits);
    const { status, statusText, headers, body } = answer;
    const complaint = findProxyError(answer, url, proxy);
    if (complaint !== undefined) {
      body.cancel(complaint);
      throw complaint;
    }
    const coding = headers["content-encoding"];
    const decoded = decodeStream(body, coding === undefined ? undefined : String(coding), maxBytes);
    return new StreamedResponse({ status, statusText, url: url.href, headers, body: decoded });
  }

  forget(proxyUrl: string): void {
    this.#transport.forget(proxyUrl);
  }

  close(): Promise<void> {
    return this.#transport.close();
  }
}

function toExchangeLimits({
  timeouts: { connect, proxy, read, attempt, total },
  deadline,
  maxBytes,
  signal,
  observer,
}: SendOptions): ExchangeLimits {
  return { connect, proxy, read, attempt, total, deadline, maxBytes, signal, observer };
}

function toWireRequest(request: HttpRequest, proxy: string | undefined): WireRequest {
  const { method, url, body, idempotencyKey } = request;
  // A proxy for plain http takes the whole URL (RFC 9112 §3.2.2), and its credentials with each request.
  const forwarded = isForwarded(url, proxy);
  return {
    method,
    path: forwarded ? `${url.origin}${url.pathname}${url.search}` : url.pathname + url.search,
    headers: forwarded
      ? withProxyAuthorization(requestHeaders(request), proxy)
      : withoutProxyAuthorization(requestHeaders(request)),
    body,
    idempotent: body.kind !== "one-shot" && (idempotencyKey !== undefined || isIdempotent(method)),
    url,
    target: url.host,
  };
}

function requestHeaders({ headers, body }: HttpRequest): HeaderRecord {
  if (!("contentType" in body) || "content-type" in headers) return headers;
  return { ...headers, "content-type": body.contentType };
}

/** Whether a proxy gets the request itself, and not only a tunnel to dig. */
function isForwarded(url: URL, proxy: string | undefined): proxy is string {
  return proxy !== undefined && url.protocol === "http:" && forwardsPlainHttp(proxy);
}

/** Proxy-Authorization is for a proxy alone (RFC 9110 §11.7.2): what goes directly, or through a tunnel, is read by the origin. */
function withoutProxyAuthorization(headers: HeaderRecord): HeaderRecord {
  if (!("proxy-authorization" in headers)) return headers;
  const { "proxy-authorization": _, ...rest } = headers;
  return rest;
}

/** What is meant for the proxy that gets the request itself: its credentials, else those that the caller wrote. */
function withProxyAuthorization(headers: HeaderRecord, proxy: string): HeaderRecord {
  const authorization = proxyAuthorization(new URL(proxy));
  return authorization === undefined ? headers : { ...headers, "proxy-authorization": authorization };
}

/** What a proxy answered in the place of the origin that it was to forward the request to. */
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
      // The request went to the proxy, its body too: what is not known to have stayed there may have arrived.
      phase: "headers",
      mayHaveArrived: !provesRequestUnsent(reason),
      ...(retryAfter !== undefined && { retryAfter: String(retryAfter) }),
    },
  );
}
