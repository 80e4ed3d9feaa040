import type { Clock } from "@holdfast/policy";
import type { HeaderRecord } from "./headers.ts";
import type { ExchangeLimits, RawAnswer, WireRequest } from "./transport/wire.ts";
import { decode } from "./transport/decode.ts";
import { decodeStream } from "./transport/decode-stream.ts";
import { Transport, type TransportOptions } from "./transport/transport.ts";
import { proxyAuthorization } from "./transport/tunnel.ts";
import type { HttpRequest } from "./request.ts";
import { Response } from "./response.ts";
import type { Retry } from "./retry/retry.ts";
import { isIdempotent } from "./retry/safety.ts";
import { StreamedResponse } from "./streamed-response.ts";
import type { Timeouts } from "./timeouts.ts";

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
}

/** Sends a request once and reads the whole answer: the seam between a session and the wire. */
export interface Adapter {
  /** How often, and when, what is sent through here is sent again; the session's own rule without it. */
  readonly retry?: Retry | undefined;
  /**
   * Gives the answer, whatever its status, its body complete.
   *
   * @throws TransportError when there is none, or the signal's reason.
   */
  send(request: HttpRequest, options: SendOptions): Promise<Response>;
  /**
   * Gives the answer as soon as its head is there; without it, `stream: true` gives what `send` brings.
   *
   * @throws as `send` does; so does the body while it is read.
   */
  stream?(request: HttpRequest, options: StreamOptions): Promise<StreamedResponse>;
  /**
   * Lets go of the connections through a proxy, by the URL that `proxy` named, once what is under way on them has ended:
   * nothing more will be sent through it.
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

export interface HttpAdapterOptions extends Omit<TransportOptions, "clock"> {
  /** @default the session's */
  readonly retry?: Retry;
  readonly clock?: Clock;
}

/** Sends over TCP and TLS: what a session uses unless another adapter is mounted. */
export class HttpAdapter implements Adapter {
  readonly retry: Retry | undefined;
  readonly #transport: Transport;

  constructor({ retry, ...options }: HttpAdapterOptions = {}) {
    this.retry = retry;
    this.#transport = new Transport(options);
  }

  send(request: HttpRequest, options: SendOptions): Promise<Response> {
    const { url } = request;
    const { maxBytes, proxy } = options;
    return this.#transport
      .send({ url, proxy }, wireOf(request, proxy), limitsOf(options))
      .then((answer) => responseOf(answer, url.href, maxBytes));
  }

  async stream(request: HttpRequest, options: StreamOptions): Promise<StreamedResponse> {
    const { url } = request;
    const { maxBytes, proxy, after } = options;
    const limits = { ...limitsOf(options), after };
    const { status, statusText, headers, body } = await this.#transport.open(
      { url, proxy },
      wireOf(request, proxy),
      limits,
    );
    const coding = headers["content-encoding"];
    const decoded = decodeStream(body, coding === undefined ? undefined : String(coding), maxBytes);
    return new StreamedResponse({ status, statusText, url: url.href, headers, body: decoded });
  }

  close(): Promise<void> {
    return this.#transport.close();
  }
}

function limitsOf({
  timeouts: { connect, read, attempt, total },
  deadline,
  maxBytes,
  signal,
}: SendOptions): ExchangeLimits {
  return { connect, read, attempt, total, deadline, maxBytes, signal };
}

function wireOf(request: HttpRequest, proxy: string | undefined): WireRequest {
  const { method, url, body, idempotencyKey } = request;
  // A proxy for plain http takes the whole URL (RFC 9112 §3.2.2), and its credentials with each request.
  const forwarded = proxy !== undefined && url.protocol === "http:";
  return {
    method,
    path: forwarded ? `${url.origin}${url.pathname}${url.search}` : url.pathname + url.search,
    headers: forwarded ? withProxyAuthorization(headersOf(request), proxy) : headersOf(request),
    body,
    idempotent: body.kind !== "one-shot" && (idempotencyKey !== undefined || isIdempotent(method)),
    target: url.host,
  };
}

function responseOf(
  { status, statusText, headers, body }: RawAnswer,
  url: string,
  maxBytes: number,
): Response | Promise<Response> {
  const encoding = headers["content-encoding"];
  if (encoding === undefined) return new Response({ status, statusText, url, headers, content: body });
  return Promise.resolve(decode(body, String(encoding), maxBytes)).then(
    (content) => new Response({ status, statusText, url, headers, content }),
  );
}

function headersOf({ headers, body }: HttpRequest): HeaderRecord {
  if (!("contentType" in body) || "content-type" in headers) return headers;
  return { ...headers, "content-type": body.contentType };
}

function withProxyAuthorization(headers: HeaderRecord, proxy: string): HeaderRecord {
  const authorization = proxyAuthorization(new URL(proxy));
  return authorization === undefined ? headers : { ...headers, "proxy-authorization": authorization };
}
