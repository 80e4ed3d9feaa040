import { IncompleteBodyError, ProtocolError } from "../../errors/transport-errors.ts";
import { contentLength, isCodedBodyMissing } from "../wire/content-length.ts";
import type { Connection } from "../pool/connection.ts";
import { provesUnprocessed } from "../errors/undici-errors.ts";
import { LimitedExchange } from "./limited-exchange.ts";
import { findConnectionPhases } from "../connect/connect-timings.ts";
import type { PendingRequest } from "../pool/origin-pool.ts";
import { mayRedispatch } from "./redispatch.ts";
import type { ExchangeController, ResponseListener } from "../wire/protocol.ts";
import { translateError } from "./translate-error.ts";
import { Upload, withContentLength } from "./upload.ts";
import type { RawResponse } from "../wire/messages.ts";

const noResponseHeaders: RawResponse["headers"] = Object.freeze({});

// RFC 9110 §15.5.20: the connection is not one for this origin, and those that were opened as it was may not be, either.
const misdirectedRequest = 421;

// Interim answers are signs of life, but nobody has that much to say before the answer.
const maxInterims = 1_000;

/**
 * One request and its answer, whatever is done with the body: at once the connection's listener, the pool's passenger and the
 * watchdog's ward, so that an exchange is one object and one promise (each further object was measured to cost a few per
 * cent of a small request).
 */
export abstract class Exchange extends LimitedExchange implements ResponseListener, PendingRequest {
  #redispatched = false;
  #answering = false;
  #interims = 0;
  #upload: Upload | undefined;
  /** Whether it did not board as it set out. */
  #waits = false;
  protected status = 0;
  protected statusText = "";
  protected headers: RawResponse["headers"] = noResponseHeaders;

  abstract readonly collectsBody: boolean;

  /** The final head has come. */
  protected abstract opened(controller: ExchangeController): void;

  /** The last byte of the body has come. */
  protected abstract completed(): void;

  /** There is no answer, or no rest of it. */
  protected abstract failed(error: unknown): void;

  abstract onResponseData(controller: ExchangeController, chunk: Buffer): void;

  /** Sets out; not in the constructor, because what comes of it may come at once. */
  protected start(): void {
    this.beginLimits();
    this.endpoint.pool.acquire(this);
    this.#waits = true;
  }

  useConnection(connection: Connection): void {
    this.noteBoarding(connection, this.#waits);
    const { method, path, headers, body } = this.request;
    if (body.kind === "none") connection.dispatch({ method, path, headers }, this);
    else this.#send(connection);
  }

  connectionFailed(error: unknown): void {
    this.noteStranding(findConnectionPhases(error));
    this.#conclude(error);
  }

  #send(connection: Connection): void {
    const { method, path, headers, body } = this.request;
    const upload = (this.#upload ??= new Upload(body));
    try {
      const opened = upload.open(connection.multiplexed);
      connection.dispatch(
        { method, path, headers: withContentLength(headers, opened.length), body: opened.body },
        this,
      );
    } catch (error) {
      // The caller's function that makes the body has failed: neither the network's fault nor the server's.
      this.#conclude(error);
    }
  }

  onRequestStart(controller: ExchangeController, headBytes?: number): void {
    this.noteStart(controller, headBytes);
    if (this.ended) controller.abort(new Error("No longer wanted"));
  }

  protected get starved(): boolean {
    return (
      this.phase === "headers" && this.connection?.bytesWaiting === 0 && this.#upload?.isStarved === true
    );
  }

  /** A part of the request's body went out. */
  onBodySent(): void {
    this.noteLife();
  }

  /** The first byte of an answer has come. */
  onResponseStarted(): void {
    this.#answering = true;
  }

  // oxlint-disable-next-line max-params -- A rest parameter is an array for each answer.
  onResponseStart(
    controller: ExchangeController,
    status: number,
    headers: RawResponse["headers"],
    statusText?: string,
  ): void {
    // An interim answer (RFC 9110 §15.2) is a sign of life and nothing more.
    if (status < 200) return this.#countInterim();
    this.noteLife();
    this.noteHead();
    if (status === misdirectedRequest) this.endpoint.pool.replaceConnections();
    this.status = status;
    this.statusText = statusText ?? "";
    this.headers = headers;
    this.opened(controller);
  }

  /** How long the head says that the body is, decoded; undefined where there is none, or its coding keeps it from saying so. */
  protected get announced(): number | undefined {
    const { status, headers } = this;
    if (
      headers["content-encoding"] !== undefined ||
      this.request.method === "HEAD" ||
      status === 204 ||
      status === 304
    )
      return undefined;
    return contentLength(headers);
  }

  #countInterim(): void {
    this.noteInterim();
    this.#answering = false;
    this.#interims += 1;
    if (this.#interims <= maxInterims) return;
    const message = `${this.request.target} sent more than ${maxInterims} interim answers`;
    this.fail(new ProtocolError(message, { phase: "headers", mayHaveArrived: true }));
  }

  onResponseEnd(): void {
    if (this.ended) return;
    const { status, headers } = this;
    if (this.received === 0 && isCodedBodyMissing({ status, headers }, this.request.method))
      return this.#conclude(new IncompleteBodyError(0, undefined));
    this.#end();
    this.completed();
  }

  onResponseError(_controller: ExchangeController, error: unknown): void {
    if (this.ended) return;
    const dropped = this.connection?.destroyReason;
    if (dropped !== undefined) return this.#conclude(dropped);
    // What the caller's own stream throws is the caller's.
    if (this.#upload?.failedWith(error) === true) return this.#conclude(error);
    const mayHaveArrived = this.mayHaveArrived && !provesUnprocessed(error);
    if (this.#mayGoUnseen(error, mayHaveArrived)) return this.#redispatch();
    const { target } = this.request;
    const { received, phase } = this;
    const expected = contentLength(this.headers);
    this.#conclude(translateError(error, { target, phase, mayHaveArrived, received, expected }));
  }

  #mayGoUnseen(error: unknown, mayHaveArrived: boolean): boolean {
    if (this.#redispatched || this.#answering || this.connection === undefined) return false;
    return mayRedispatch(error, {
      reused: this.reused,
      mayHaveArrived,
      idempotent: this.request.idempotent,
      wholeBody: this.#upload?.isReplayable !== false,
    });
  }

  #redispatch(): void {
    this.#redispatched = true;
    const { connection } = this;
    this.noteRedispatch();
    if (connection !== undefined) this.endpoint.pool.releaseSoon(connection);
    this.endpoint.pool.acquire(this, true);
  }

  protected fail(error: unknown): void {
    if (this.ended) return;
    const { controller, connection } = this;
    this.#conclude(error);
    if (connection === undefined) this.endpoint.pool.cancel(this);
    else if (controller !== undefined)
      controller.abort(error instanceof Error ? error : new Error("Aborted"));
    // It has not gone out yet, and cannot be called back; under HTTP/2 it is turned away when its turn comes.
    else if (!connection.multiplexed) connection.destroy();
  }

  /** Ends what is over. */
  #conclude(error: unknown): void {
    if (this.ended) return;
    this.#end();
    this.#upload?.discard();
    this.failed(error);
  }

  #end(): void {
    this.ended = true;
    this.tellTrace();
    this.endLimits();
    if (this.connection !== undefined) this.endpoint.pool.releaseSoon(this.connection);
  }
}
