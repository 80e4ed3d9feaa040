import {
  BodyTooLargeError,
  IncompleteBodyError,
  ProtocolError,
  type Phase,
} from "../../errors/transport-errors.ts";
import type { ConnectionPhases, Observer, ResponseHead, Trace } from "../../model/trace.ts";
import { findConnectionPhases } from "../connect/connect-timings.ts";
import { provesUnprocessed, repeatLimit } from "../errors/http2-errors.ts";
import type { Connection } from "../pool/connection.ts";
import type { Endpoint } from "../pool/endpoint.ts";
import type { PendingRequest } from "../pool/origin-pool.ts";
import type { Watched } from "../pool/watchdog.ts";
import {
  contentLength,
  isCodedBodyMissing,
  type CallBounds,
  type ExchangeLimits,
  type RawResponse,
  type WireRequest,
} from "../wire/messages.ts";
import type { ExchangeController, ResponseListener } from "../wire/protocol.ts";
import {
  findExceededLimit,
  maxInterimReadLimits,
  type LimitedState,
  type SpeedWindow,
  type WireMeter,
} from "./limits.ts";
import { mayRedispatch } from "./redispatch.ts";
import { translateError } from "./translate-error.ts";
import { undiciChannels } from "./undici-channels.ts";
import type { UndiciMessages } from "./undici-messages.ts";
import { Upload, withContentLength } from "./upload.ts";

const noResponseHeaders: RawResponse["headers"] = Object.freeze({});

// RFC 9110 §15.5.20: the connection does not serve this origin, and the other connections of the pool may not either.
const misdirectedRequest = 421;

// Interim responses are signs of life, but no server needs this many before its final response.
const maxInterimResponses = 1_000;

const { create, sendHeaders, headers: heads, trailers, error: errors } = undiciChannels;

/** Returns whether a monitor subscribes to one of undici's channels. */
// Hot path: in this file, because another one would be one more to read for every request.
function isObserved(): boolean {
  return (
    create.hasSubscribers ||
    sendHeaders.hasSubscribers ||
    heads.hasSubscribers ||
    trailers.hasSubscribers ||
    errors.hasSubscribers
  );
}

/**
 * One request and its response. A subclass decides what happens to the body.
 *
 * An exchange is at once the connection's listener, the pool's pending request, the watchdog's watched object and the
 * listener of the caller's signal. Each further object was measured to cost a few per cent of a small request.
 */
export abstract class Exchange implements ResponseListener, PendingRequest, Watched, LimitedState {
  readonly request: WireRequest;
  limits: ExchangeLimits;
  protected readonly endpoint: Endpoint;
  readonly #observer: Observer | undefined;

  /** Whether the exchange has succeeded or failed. */
  protected ended = false;
  phase: Phase = "connect";
  connection: Connection | undefined;
  /** Whether the connection had carried an earlier request. */
  protected reused = false;
  /** Undefined until the request goes out. */
  controller: ExchangeController | undefined;
  #upload: Upload | undefined;
  /** Undefined unless a monitor observes requests. */
  #messages: UndiciMessages | undefined;
  #hasWaited = false;
  #hasRepeated = false;

  protected status = 0;
  protected statusText = "";
  protected headers: RawResponse["headers"] = noResponseHeaders;
  /** Whether the first byte of a final response may have arrived. */
  #hasResponseStarted = false;
  #interimResponses = 0;
  /** Bytes of the body received so far, as sent. */
  protected received = 0;

  startedAt = 0;
  activeAt = 0;
  wasActive = false;
  sentBefore = 0;
  speed: SpeedWindow | undefined;
  wireMeter: WireMeter | undefined;
  progressBefore = 0;
  #interimSince: number | undefined;

  /** Bytes that the connection had written before this request. */
  #writtenBefore = 0;
  #headBytes: number | undefined;
  #connectedAt: number | undefined;
  #headAt: number | undefined;
  #failedPhases: ConnectionPhases | undefined;

  next: Watched | undefined;
  previous: Watched | undefined;

  abstract readonly collectsBody: boolean;

  constructor(request: WireRequest, limits: ExchangeLimits, endpoint: Endpoint) {
    this.request = request;
    this.limits = limits;
    this.endpoint = endpoint;
    this.#observer = limits.observer;
  }

  /** Called with the final head. */
  protected abstract headReceived(controller: ExchangeController): void;

  /** Called after the last byte of the body. */
  protected abstract bodyCompleted(): void;

  /** Called when no response, or no complete body, will arrive. */
  protected abstract exchangeFailed(error: unknown): void;

  abstract onResponseData(controller: ExchangeController, chunk: Buffer): void;

  get connectLimit(): number {
    return this.limits.connect;
  }

  addWireTime(ms: number): number {
    return this.#observer?.addWireTime?.(ms) ?? 0;
  }

  /** The memory of the call for its body, if it has a budget. */
  protected get memory(): Observer["memory"] {
    return this.#observer?.memory;
  }

  get bodyBytes(): number {
    return this.received;
  }

  get proxyLimits(): ExchangeLimits["proxy"] {
    return this.limits.proxy;
  }

  protected get now(): number {
    return this.endpoint.clock.now();
  }

  /** Whether the server may have received the request or a part of it. */
  get mayHaveArrived(): boolean {
    const { connection, controller } = this;
    if (connection === undefined || controller === undefined) return false;
    return connection.multiplexed
      ? controller.hasSent !== false
      : connection.bytesWritten > this.#writtenBefore;
  }

  get isUploadStarved(): boolean {
    return (
      this.phase === "headers" && this.connection?.bytesWaiting === 0 && this.#upload?.isStarved === true
    );
  }

  /** Starts the exchange. Not part of the constructor, because the exchange may end before `acquire` returns. */
  protected start(): void {
    const { attempt, signal } = this.limits;
    if (attempt < Infinity) this.startedAt = this.now;
    this.watch();
    signal?.addEventListener("abort", this, { once: true });
    if (isObserved()) return void this.#startObserved();
    this.endpoint.pool.acquire(this);
    this.#hasWaited = true;
  }

  async #startObserved(): Promise<void> {
    this.#hasWaited = true;
    // Most programs have no monitor, and never load this code.
    const { UndiciMessages } = await import("./undici-messages.ts");
    if (this.ended) return;
    this.#messages = new UndiciMessages(this.request);
    this.endpoint.pool.acquire(this);
  }

  useConnection(connection: Connection): void {
    const { method, path, body } = this.request;
    this.connection = connection;
    this.reused = connection.isReused;
    this.phase = "headers";
    this.wasActive = true;
    // Hot path: each look at the clock costs 0.04 µs, and a request that did not wait needs none.
    if (this.#hasWaited) this.#connectedAt = this.now;
    // Hot path: counting the bytes that a socket has taken allocates an array, and a head alone is written in one piece.
    if (body.kind !== "none" && !connection.multiplexed) this.#writtenBefore = connection.bytesWritten;
    this.sentBefore = this.#writtenBefore;
    if (body.kind === "none") connection.dispatch({ method, path, headers: this.#headers }, this);
    else this.#dispatchWithBody(connection);
  }

  get #headers(): WireRequest["headers"] {
    return this.#messages === undefined ? this.request.headers : this.#messages.headers;
  }

  connectionFailed(error: unknown): void {
    this.#failedPhases = findConnectionPhases(error);
    this.#conclude(error);
  }

  #dispatchWithBody(connection: Connection): void {
    const { method, path, body } = this.request;
    const upload = (this.#upload ??= new Upload(body));
    try {
      const opened = upload.open();
      connection.dispatch(
        { method, path, headers: withContentLength(this.#headers, opened.length), body: opened.body },
        this,
      );
    } catch (error) {
      // The caller's body function has failed, and not the network or the server.
      this.#conclude(error);
    }
  }

  onRequestStart(controller: ExchangeController, headBytes?: number): void {
    this.controller = controller;
    this.#headBytes = headBytes;
    if (this.connection?.multiplexed === true) {
      // The request may have waited until now for a free stream.
      this.wasActive = true;
      this.progressBefore = this.connection.progress;
    }
    if (this.ended) controller.abort(new Error("The exchange has already ended"));
    else if (this.connection !== undefined) this.#messages?.sendHeaders(this.connection.socket);
  }

  onBodySent(): void {
    this.wasActive = true;
  }

  onResponseStarted(): void {
    this.#hasResponseStarted = true;
  }

  // oxlint-disable-next-line max-params -- A rest parameter would allocate an array for each response.
  onResponseStart(
    controller: ExchangeController,
    status: number,
    headers: RawResponse["headers"],
    statusText?: string,
  ): void {
    if (status < 200) return this.#interimReceived();
    this.wasActive = true;
    this.phase = "body";
    if (this.#observer !== undefined) this.#headAt = this.now;
    this.#messages?.responseStarted(status, headers, statusText ?? "");
    if (status === misdirectedRequest) this.endpoint.pool.replaceConnections();
    this.status = status;
    this.statusText = statusText ?? "";
    this.headers = headers;
    this.headReceived(controller);
  }

  /** Interim responses (RFC 9110 §15.2) extend the read limit, for at most `maxInterimReadLimits` times its length. */
  #interimReceived(): void {
    const { now } = this;
    this.#interimSince ??= now;
    if (now - this.#interimSince < maxInterimReadLimits * this.limits.read) this.wasActive = true;
    this.#hasResponseStarted = false;
    this.#interimResponses += 1;
    if (this.#interimResponses <= maxInterimResponses) return;
    const message = `${this.request.target} sent more than ${maxInterimResponses} interim responses`;
    this.fail(new ProtocolError(message, { phase: "headers", mayHaveArrived: true }));
  }

  /** Length of the decoded body as the head states it; undefined when the response has no body or a content coding. */
  protected get expectedLength(): number | undefined {
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

  /** Counts received body bytes. Fails the exchange when they exceed `maxBytes`. */
  protected countBytes(chunk: Buffer): void {
    this.wasActive = true;
    this.received += chunk.length;
    if (this.received > this.limits.maxBytes) this.fail(new BodyTooLargeError(this.limits.maxBytes));
  }

  /** Fails the exchange when the head states a length above `maxBytes`. */
  protected rejectTooLarge(length: number | undefined): void {
    const { maxBytes } = this.limits;
    if (length !== undefined && length > maxBytes) this.fail(new BodyTooLargeError(maxBytes));
  }

  onResponseEnd(): void {
    if (this.ended) return;
    const { status, headers } = this;
    if (this.received === 0 && isCodedBodyMissing({ status, headers }, this.request))
      return this.#conclude(new IncompleteBodyError(0, undefined));
    this.#end();
    this.#messages?.completed();
    this.bodyCompleted();
  }

  onResponseError(_controller: ExchangeController, error: unknown): void {
    if (this.ended) return;
    const destroyReason = this.connection?.destroyReason;
    if (destroyReason !== undefined) return this.#conclude(destroyReason);
    // An error of the caller's own stream reaches the caller unchanged.
    if (this.#upload?.failedWith(error) === true) return this.#conclude(error);
    const mayHaveArrived = this.mayHaveArrived && !provesUnprocessed(error);
    if (this.#mayRedispatch(error, mayHaveArrived)) return this.#redispatch(error);
    const { target } = this.request;
    const { received, phase } = this;
    const expected = contentLength(this.headers);
    this.#conclude(translateError(error, { target, phase, mayHaveArrived, received, expected }));
  }

  #mayRedispatch(error: unknown, mayHaveArrived: boolean): boolean {
    if (this.#hasResponseStarted || this.connection === undefined) return false;
    return mayRedispatch(error, {
      reused: this.reused,
      hasRepeated: this.#hasRepeated,
      mayHaveArrived,
      idempotent: this.request.idempotent,
      isBodyReplayable: this.#upload?.isReplayable !== false,
    });
  }

  #redispatch(error: unknown): void {
    const { connection } = this;
    if (repeatLimit(error, this.reused) === "once") this.#hasRepeated = true;
    this.phase = "connect";
    this.connection = undefined;
    this.controller = undefined;
    if (connection !== undefined) this.endpoint.pool.releaseSoon(connection);
    this.endpoint.pool.acquire(this, true);
  }

  /** Registers the exchange with the watchdog. Call `unwatch` before calling it again. */
  protected watch(): void {
    this.endpoint.watchdog.watch(this);
  }

  protected unwatch(): void {
    this.endpoint.watchdog.unwatch(this);
  }

  checkLimits(now: number): void {
    const error = findExceededLimit(this, now);
    if (error !== undefined) this.fail(error);
  }

  /** Called when the caller's signal is aborted. */
  handleEvent(): void {
    this.fail(this.limits.signal?.reason);
  }

  /** Replaces the deadline and the signal. */
  protected rebind({ deadline, signal }: CallBounds): void {
    if (this.ended || (deadline === this.limits.deadline && signal === this.limits.signal)) return;
    this.limits.signal?.removeEventListener("abort", this);
    this.limits = { ...this.limits, deadline, signal };
    if (signal?.aborted === true) return this.fail(signal.reason);
    signal?.addEventListener("abort", this, { once: true });
  }

  protected fail(error: unknown): void {
    if (this.ended) return;
    const { controller, connection } = this;
    this.#conclude(error);
    if (connection === undefined) this.endpoint.pool.cancel(this);
    else if (controller !== undefined)
      controller.abort(error instanceof Error ? error : new Error("Aborted"));
    else connection.cancel(this);
  }

  #conclude(error: unknown): void {
    if (this.ended) return;
    this.#end();
    this.#upload?.discard();
    this.#messages?.failed(error);
    this.exchangeFailed(error);
  }

  #end(): void {
    this.ended = true;
    this.reportTrace();
    this.unwatch();
    this.limits.signal?.removeEventListener("abort", this);
    if (this.connection !== undefined) this.endpoint.pool.releaseSoon(this.connection);
  }

  /** Whether the call continues after a response with this head, whatever its body says. */
  protected continuesWithoutBody(head: ResponseHead): boolean {
    return this.#observer?.continuesWithoutBody?.(head) === true;
  }

  /** Gives the observer a trace of the exchange so far. */
  protected reportTrace(): void {
    this.#observer?.observe(this.#trace());
  }

  #trace(): Trace {
    const { connection, reused } = this;
    if (connection === undefined) return { connected: false, phases: this.#failedPhases };
    const [connectedAt, headAt] = [this.#connectedAt, this.#headAt];
    return {
      reused,
      connectedAt,
      headAt,
      phases: reused ? undefined : connection.phases,
      bytesSent: this.#bytesSent(connection),
      bytesReceived: this.received,
    };
  }

  #bytesSent(connection: Connection): number | undefined {
    if (connection.multiplexed || this.#headBytes === undefined) return undefined;
    const hasBody = this.request.body.kind !== "none";
    return hasBody ? connection.bytesWritten - this.#writtenBefore : this.#headBytes;
  }
}
