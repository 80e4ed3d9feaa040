import type { Clock } from "@holdfast/policy";
import type { HeaderRecord } from "./headers.ts";
import type { RawAnswer } from "./transport/buffered.ts";
import { decode } from "./transport/decode.ts";
import { Transport, type TransportOptions } from "./transport/transport.ts";
import { proxyAuthorization } from "./transport/tunnel.ts";
import type { HttpRequest } from "./request.ts";
import { Response } from "./response.ts";
import type { Retry } from "./retry/retry.ts";
import { isIdempotent } from "./retry/safety.ts";
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
  /** Lets go of every connection. */
  close(): Promise<void>;
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
    const { method, url, body, idempotencyKey } = request;
    const { connect, read, attempt, total } = options.timeouts;
    const { deadline, maxBytes, signal, proxy } = options;
    // A proxy for plain http takes the whole URL (RFC 9112 §3.2.2), and its credentials with each request.
    const forwarded = proxy !== undefined && url.protocol === "http:";
    const wire = {
      method,
      path: forwarded ? `${url.origin}${url.pathname}${url.search}` : url.pathname + url.search,
      headers: forwarded ? withProxyAuthorization(headersOf(request), proxy) : headersOf(request),
      body,
      idempotent: body.kind !== "one-shot" && (idempotencyKey !== undefined || isIdempotent(method)),
      target: url.host,
    };
    return this.#transport
      .send(url.origin, wire, { connect, read, attempt, total, deadline, maxBytes, signal }, proxy)
      .then((answer) => responseOf(answer, url.href, maxBytes));
  }

  close(): Promise<void> {
    return this.#transport.close();
  }
}

function responseOf({ status, statusText, headers, body }: RawAnswer, url: string, maxBytes: number): Response | Promise<Response> {
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
