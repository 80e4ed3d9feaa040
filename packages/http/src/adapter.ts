import type { Clock } from "@holdfast/policy";
import { openBody, type Body } from "./body.ts";
import { acceptEncoding, decode } from "./transport/decode.ts";
import { Transport, type TransportOptions } from "./transport/transport.ts";
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
}

/** Sends a request once and reads the whole answer: the seam between a session and the wire. */
export interface Adapter {
  /** How often, and when, what is sent through here is sent again; the session's own rule without it. */
  readonly retry?: Retry | undefined;
  /** Limits that differ from the session's. */
  readonly timeouts?: Partial<Timeouts> | undefined;
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

  async send(request: HttpRequest, { timeouts, deadline, maxBytes, signal }: SendOptions): Promise<Response> {
    const { method, url, body, idempotencyKey } = request;
    const answer = await this.#transport.send(
      url.origin,
      {
        method,
        path: url.pathname + url.search,
        headers: headersOf(request),
        body: openBody(body),
        idempotent: body.kind !== "one-shot" && (idempotencyKey !== undefined || isIdempotent(method)),
        target: url.host,
      },
      { ...timeouts, deadline, maxBytes, signal },
    );
    const { status, statusText, headers } = answer;
    const encoding = headers["content-encoding"];
    const content = await decode(answer.body, typeof encoding === "string" ? encoding : encoding?.join(), maxBytes);
    return new Response({ status, statusText, url: url.href, headers, content });
  }

  close(): Promise<void> {
    return this.#transport.close();
  }
}

function headersOf({ headers, body }: HttpRequest): Record<string, string | string[]> {
  const type = contentTypeOf(body);
  return { "accept-encoding": acceptEncoding, ...(type !== undefined && { "content-type": type }), ...headers };
}

function contentTypeOf(body: Body): string | undefined {
  return "contentType" in body ? body.contentType : undefined;
}
