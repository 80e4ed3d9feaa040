import { DeadlineExceededError } from "@holdfast/policy";
import {
  AttemptTimeoutError,
  BodyTooLargeError,
  IncompleteBodyError,
  ProtocolError,
  ReadTimeoutError,
  type Phase,
} from "../errors.ts";
import type { Trace } from "../trace.ts";
import type { Connection } from "./connection.ts";
import { endsConnection, provesUnprocessed } from "./evidence.ts";
import type { Passenger } from "./origin-pool.ts";
import type { Controller, Listener } from "./speaker.ts";
import { translate } from "./translate.ts";
import { Upload } from "./upload.ts";
import type { Watched } from "./watchdog.ts";
import type { Bounds, ExchangeLimits, RawAnswer, Road, WireRequest } from "./wire.ts";

const unboarded: Trace = { boarded: false };
const noHeaders: RawAnswer["headers"] = Object.freeze({});

// Interim answers are signs of life, but nobody has that much to say before the answer.
const maxInterims = 1_000;

/**
 * One request and its answer, whatever is done with the body: at once the connection's listener, the pool's passenger and the
 * watchdog's ward, so that an exchange is one object and one promise (each further object was measured to cost a few per
 * cent of a small request).
 */
export abstract class Exchange implements Listener, Passenger, Watched {
  readonly #request: WireRequest;
  #limits: ExchangeLimits;
  readonly #road: Road;
  #startedAt = 0;
  #phase: Phase = "connect";
  #ended = false;
  #connection: Connection | undefined;
  #controller: Controller | undefined;
  /** When the other side last gave a sign of life; Infinity while nobody waits for one. */
  protected activeAt = 0;
  /** Whether it gave one since the last look: only a look reads the clock, which is 0.04 µs each time. */
  #stirred = false;
  #writtenBefore = 0;
  #takenBefore = 0;
  #redispatched = false;
  #answering = false;
  #interims = 0;
  #upload: Upload | undefined;
  #readBefore = 0;
  /** Whether it did not board as it set out. */
  #waits = false;
  #boardedAt: number | undefined;
  #headAt: number | undefined;
  #headBytes: number | undefined;
  protected status = 0;
  protected statusText = "";
  protected headers: RawAnswer["headers"] = noHeaders;
  /** Bytes of the body that have come, as sent. */
  protected received = 0;
  next: Watched | undefined;
  previous: Watched | undefined;

  constructor(request: WireRequest, limits: ExchangeLimits, road: Road) {
    this.#request = request;
    this.#limits = limits;
    this.#road = road;
  }

  abstract readonly gathers: boolean;

  /** The final head has come. */
  protected abstract opened(controller: Controller): void;

  /** The last byte of the body has come. */
  protected abstract completed(): void;

  /** There is no answer, or no rest of it. */
  protected abstract failed(error: unknown): void;

  abstract onResponseData(controller: Controller, chunk: Buffer): void;

  /** Sets out; not in the constructor, because what comes of it may come at once. */
  protected start(): void {
    const { attempt, signal } = this.#limits;
    if (attempt < Infinity) this.#startedAt = this.#road.clock.now();
    this.watch();
    signal?.addEventListener("abort", this, { once: true });
    this.#road.pool.take(this);
    this.#waits = true;
  }

  get connectLimit(): number {
    return this.#limits.connect;
  }

  get proxyLimits(): ExchangeLimits["proxy"] {
    return this.#limits.proxy;
  }

  board(connection: Connection): void {
    this.#connection = connection;
    this.#phase = "headers";
    this.#stirred = true;
    // Hot path: who boards at once need not look at the clock, which is 0.04 µs each time.
    if (this.#waits) this.#boardedAt = this.#road.clock.now();
    const { method, path, headers, body } = this.#request;
    // Hot path: counting what the socket has taken makes an array; a head alone goes out as the request starts.
    if (body.kind !== "none" || connection.multiplexed) this.#writtenBefore = connection.bytesWritten;
    this.#takenBefore = this.#writtenBefore;
    if (body.kind === "none") connection.dispatch({ method, path, headers }, this);
    else this.#send(connection);
  }

  strand(error: unknown): void {
    this.#conclude(error);
  }

  look(now: number): void {
    const { deadline, attempt, total, read } = this.#limits;
    const { target } = this.#request;
    if (now >= deadline) return this.fail(new DeadlineExceededError(total));
    if (now - this.#startedAt >= attempt) {
      return this.fail(
        new AttemptTimeoutError(target, attempt, {
          phase: this.#phase,
          mayHaveArrived: this.#mayHaveArrived,
        }),
      );
    }
    if (this.#connection === undefined) return;
    if (this.#stirred) this.#noteLife(now);
    this.#noteProgress(this.#connection, now);
    if (now - this.activeAt < read) return;
    // Nothing for anybody since this one went out: the connection may be dead, and no further call should find out.
    if (this.#connection.multiplexed && this.#connection.bytesRead === this.#readBefore)
      this.#connection.leave();
    this.fail(new ReadTimeoutError(target, read, this.#phase));
  }

  onRequestStart(controller: Controller, headBytes?: number): void {
    this.#controller = controller;
    this.#headBytes = headBytes;
    if (this.#ended) controller.abort(new Error("No longer wanted"));
    else if (this.#connection?.multiplexed === true) this.#startStream(this.#connection);
  }

  #send(connection: Connection): void {
    const { method, path, headers, body } = this.#request;
    const upload = (this.#upload ??= new Upload(body));
    try {
      const opened = upload.open(connection.multiplexed);
      connection.dispatch(
        { method, path, headers: withLength(headers, opened.length), body: opened.body },
        this,
      );
    } catch (error) {
      // The caller's function that makes the body has failed: neither the network's fault nor the server's.
      this.#conclude(error);
    }
  }

  /** Under HTTP/2 the request may have stood in line for a stream until now. */
  #startStream(connection: Connection): void {
    this.#stirred = true;
    this.#readBefore = connection.bytesRead;
  }

  /** A part of the request's body went out. */
  onBodySent(): void {
    this.#stirred = true;
  }

  /** The first byte of an answer has come. */
  onResponseStarted(): void {
    this.#answering = true;
  }

  // oxlint-disable-next-line max-params -- A rest parameter is an array for each answer.
  onResponseStart(
    controller: Controller,
    status: number,
    headers: RawAnswer["headers"],
    statusText?: string,
  ): void {
    this.#stirred = true;
    // An interim answer (RFC 9110 §15.2) is a sign of life and nothing more.
    if (status < 200) return this.#countInterim();
    this.#phase = "body";
    if (this.#limits.observer !== undefined) this.#headAt = this.#road.clock.now();
    this.status = status;
    this.statusText = statusText ?? "";
    this.headers = headers;
    this.opened(controller);
  }

  onResponseEnd(): void {
    if (this.#ended) return;
    if (this.received === 0 && this.#lacksCodedBody)
      return this.#conclude(new IncompleteBodyError(0, undefined));
    this.#end();
    this.completed();
  }

  onResponseError(_controller: Controller, error: unknown): void {
    if (this.#ended) return;
    const dropped = this.#connection?.dropped;
    if (dropped !== undefined) return this.#conclude(dropped);
    // What the caller's own stream throws is the caller's.
    if (this.#upload?.failedWith(error) === true) return this.#conclude(error);
    const mayHaveArrived = this.#mayHaveArrived && !provesUnprocessed(error);
    if (this.#mayGoUnseen(error, mayHaveArrived)) return this.#redispatch();
    const { target } = this.#request;
    const expected = numberOf(this.headers["content-length"]);
    const { received, phase } = { received: this.received, phase: this.#phase };
    this.#conclude(translate(error, { target, phase, mayHaveArrived, received, expected }));
  }

  get #mayHaveArrived(): boolean {
    const connection = this.#connection;
    if (connection === undefined || this.#controller === undefined) return false;
    return connection.multiplexed || connection.bytesWritten > this.#writtenBefore;
  }

  /*
   * A kept-alive connection that closes as the request goes out says nothing about the server: RFC 9112 §9.3.1 lets the
   * request go again at once, unless the server may have acted on it.
   */
  #mayGoUnseen(error: unknown, mayHaveArrived: boolean): boolean {
    const connection = this.#connection;
    if (this.#redispatched || this.#answering || connection === undefined || !endsConnection(error))
      return false;
    if (connection.uses < 2 && !connection.multiplexed) return false;
    return mayHaveArrived ? this.#request.idempotent : this.#upload?.whole !== false;
  }

  #redispatch(): void {
    this.#redispatched = true;
    this.#phase = "connect";
    const connection = this.#connection;
    this.#connection = undefined;
    this.#controller = undefined;
    if (connection !== undefined) this.#road.pool.releaseSoon(connection);
    this.#road.pool.take(this, true);
  }

  /** A body without a length that is coded and has no byte: even the coding of nothing has some. */
  get #lacksCodedBody(): boolean {
    const {
      "content-encoding": coding,
      "content-length": length,
      "transfer-encoding": transfer,
    } = this.headers;
    if (coding === undefined || length !== undefined || transfer !== undefined) return false;
    return this.#request.method !== "HEAD" && this.status !== 204 && this.status !== 304;
  }

  #countInterim(): void {
    this.#answering = false;
    this.#interims += 1;
    if (this.#interims <= maxInterims) return;
    const message = `${this.#request.target} sent more than ${maxInterims} interim answers`;
    this.fail(new ProtocolError(message, { phase: "headers", mayHaveArrived: true }));
  }

  #noteLife(now: number): void {
    this.#stirred = false;
    if (this.activeAt < Infinity) this.activeAt = now;
  }

  /** A body that is still going out is not silence, and neither is what others hear while this one stands in line. */
  #noteProgress(connection: Connection, now: number): void {
    if (this.#phase !== "headers") return;
    const taken = connection.multiplexed
      ? this.#heard(connection)
      : connection.bytesWritten - connection.bytesWaiting;
    if (taken > this.#takenBefore) this.activeAt = now;
    this.#takenBefore = taken;
  }

  #heard(connection: Connection): number {
    return this.#controller === undefined ? connection.bytesRead : this.#takenBefore;
  }

  /** Hears the caller's signal: the exchange itself listens, so that no function has to be made for each. */
  handleEvent(): void {
    this.fail(this.#limits.signal?.reason);
  }

  /** Ends what is under way. */
  protected fail(error: unknown): void {
    if (this.#ended) return;
    const { controller, connection } = { controller: this.#controller, connection: this.#connection };
    this.#conclude(error);
    if (connection === undefined) this.#road.pool.cancel(this);
    else if (controller !== undefined)
      controller.abort(error instanceof Error ? error : new Error("Aborted"));
    // It has not gone out yet, and cannot be called back; under HTTP/2 it is turned away when its turn comes.
    else if (!connection.multiplexed) connection.destroy();
  }

  /** Ends what is over. */
  #conclude(error: unknown): void {
    if (this.#ended) return;
    this.#end();
    this.#upload?.drop();
    this.failed(error);
  }

  /** Tells whoever wants to know what has been seen so far. */
  protected tellTrace(): void {
    this.#limits.observer?.observe(this.#trace());
  }

  #trace(): Trace {
    const connection = this.#connection;
    if (connection === undefined) return unboarded;
    const [boardedAt, headAt] = [this.#boardedAt, this.#headAt];
    const reused = connection.uses > 1;
    return {
      reused,
      boardedAt,
      headAt,
      legs: reused ? undefined : connection.legs,
      bytesSent: this.#bytesSent(connection),
      bytesReceived: this.received,
    };
  }

  #bytesSent(connection: Connection): number | undefined {
    if (connection.multiplexed || this.#headBytes === undefined) return undefined;
    const alone = this.#request.body.kind === "none";
    return alone ? this.#headBytes : connection.bytesWritten - this.#writtenBefore;
  }

  /** Takes note of bytes of the body; more than the caller allows end the exchange. */
  protected count(chunk: Buffer): void {
    this.#stirred = true;
    this.received += chunk.length;
    if (this.received > this.#limits.maxBytes) this.fail(new BodyTooLargeError(this.#limits.maxBytes));
  }

  /** Puts another deadline and another signal in the place of those that held so far. */
  protected rebind({ deadline, signal }: Bounds): void {
    if (this.#ended || (deadline === this.#limits.deadline && signal === this.#limits.signal)) return;
    this.#limits.signal?.removeEventListener("abort", this);
    this.#limits = { ...this.#limits, deadline, signal };
    if (signal?.aborted === true) return this.fail(signal.reason);
    signal?.addEventListener("abort", this, { once: true });
  }

  protected get now(): number {
    return this.#road.clock.now();
  }

  /** Has the limits looked at; not twice without an `unwatch` between. */
  protected watch(): void {
    this.#road.watchdog.watch(this);
  }

  protected unwatch(): void {
    this.#road.watchdog.unwatch(this);
  }

  #end(): void {
    this.#ended = true;
    this.tellTrace();
    this.unwatch();
    this.#limits.signal?.removeEventListener("abort", this);
    if (this.#connection !== undefined) this.#road.pool.releaseSoon(this.#connection);
  }
}

function withLength(headers: WireRequest["headers"], length: number | undefined): WireRequest["headers"] {
  return length === undefined || "content-length" in headers
    ? headers
    : { ...headers, "content-length": String(length) };
}

function numberOf(header: string | string[] | undefined): number | undefined {
  const value = Number(header);
  return header === undefined || Number.isNaN(value) ? undefined : value;
}
