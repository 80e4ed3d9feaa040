import type { Readable } from "node:stream";
import { DeadlineExceededError, type Clock } from "@holdfast/policy";
import type { Dispatcher } from "undici";
import { AttemptTimeoutError, BodyTooLargeError, IncompleteBodyError, ReadTimeoutError, type Phase } from "../errors.ts";
import type { Connection } from "./connection.ts";
import type { OriginPool, Passenger } from "./origin-pool.ts";
import { translate } from "./translate.ts";
import type { Watchdog, Watched } from "./watchdog.ts";

/** A request as it goes on the wire. */
export interface WireRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Record<string, string | string[]>;
  readonly body: string | Uint8Array | Readable | null;
  /** Whether it may be sent twice: known from the method, or from an idempotency key. */
  readonly idempotent: boolean;
  /** Host and port, for messages. */
  readonly target: string;
}

/** The limits of one exchange; instants are on the clock. */
export interface ExchangeLimits {
  readonly connect: number;
  readonly read: number;
  readonly attempt: number;
  /** The length of the whole call, for the message. */
  readonly total: number;
  /** The instant at which the whole call ends. */
  readonly deadline: number;
  readonly maxBytes: number;
  readonly signal: AbortSignal | undefined;
}

/** What an exchange runs on. */
export interface Road {
  readonly pool: OriginPool;
  readonly watchdog: Watchdog;
  readonly clock: Clock;
}

/** A whole answer, its body as sent. */
export interface RawAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Buffer;
  /** Whether the connection had carried a request before. */
  readonly reused: boolean;
}

const nothing = Buffer.alloc(0);

/**
 * One request and its whole answer: at once undici's handler, the pool's passenger and the watchdog's ward, so that an
 * exchange is one object and one promise (each further object was measured to cost a few per cent of a small request).
 */
export class BufferedExchange implements Dispatcher.DispatchHandler, Passenger, Watched {
  readonly #request: WireRequest;
  readonly #limits: ExchangeLimits;
  readonly #road: Road;
  readonly #resolve: (answer: RawAnswer) => void;
  readonly #reject: (error: unknown) => void;
  readonly #startedAt: number;
  #phase: Phase = "connect";
  #ended = false;
  #connection: Connection | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #activeAt = 0;
  #writtenBefore = 0;
  #takenBefore = 0;
  #redispatched = false;
  #status = 0;
  #statusText = "";
  #headers: RawAnswer["headers"] = {};
  #chunks: Buffer[] = [];
  #received = 0;
  next: Watched | undefined;
  previous: Watched | undefined;

  constructor(
    [request, limits, road]: readonly [WireRequest, ExchangeLimits, Road],
    resolve: (answer: RawAnswer) => void,
    reject: (error: unknown) => void,
  ) {
    this.#request = request;
    this.#limits = limits;
    this.#road = road;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#startedAt = road.clock.now();
    road.watchdog.watch(this);
    limits.signal?.addEventListener("abort", this.#abort, { once: true });
    road.pool.take(this);
  }

  get connectLimit(): number {
    return this.#limits.connect;
  }

  get gone(): boolean {
    return this.#ended;
  }

  board(connection: Connection): void {
    this.#connection = connection;
    this.#phase = "headers";
    this.#activeAt = this.#road.clock.now();
    this.#writtenBefore = connection.bytesWritten;
    this.#takenBefore = this.#writtenBefore;
    const { method, path, headers, body } = this.#request;
    connection.dispatch({ method, path, headers, body }, this);
  }

  strand(error: unknown): void {
    if (!this.#ended) this.#fail(error);
  }

  look(now: number): void {
    const { deadline, attempt, total, read } = this.#limits;
    const { target } = this.#request;
    if (now >= deadline) return this.#fail(new DeadlineExceededError(total));
    if (now - this.#startedAt >= attempt) {
      return this.#fail(new AttemptTimeoutError(target, attempt, { phase: this.#phase, mayHaveArrived: this.#mayHaveArrived }));
    }
    if (this.#connection === undefined) return;
    this.#noteUpload(this.#connection, now);
    if (now - this.#activeAt >= read) this.#fail(new ReadTimeoutError(target, read, this.#phase));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#ended) controller.abort(new Error("No longer wanted"));
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: RawAnswer["headers"],
    statusText?: string,
  ): void {
    this.#activeAt = this.#road.clock.now();
    // An interim answer (RFC 9110 §15.2) is a sign of life and nothing more.
    if (status < 200) return;
    this.#phase = "body";
    this.#status = status;
    this.#statusText = statusText ?? "";
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#activeAt = this.#road.clock.now();
    this.#received += chunk.length;
    this.#chunks.push(chunk);
    if (this.#received > this.#limits.maxBytes) this.#fail(new BodyTooLargeError(this.#limits.maxBytes));
  }

  onResponseEnd(): void {
    if (this.#ended) return;
    const failure = this.#connection?.failure;
    // undici takes a reset for the end of a body that only the end of the connection delimits; RFC 9112 §9.8 does not.
    if (failure !== undefined) return this.#fail(new IncompleteBodyError(this.#received, undefined, { cause: failure }));
    const reused = (this.#connection?.uses ?? 1) > 1;
    this.#end();
    const [only = nothing] = this.#chunks;
    const body = this.#chunks.length > 1 ? Buffer.concat(this.#chunks, this.#received) : only;
    this.#resolve({ status: this.#status, statusText: this.#statusText, headers: this.#headers, body, reused });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#ended) return;
    if (this.#mayGoUnseen()) return this.#redispatch();
    const { target } = this.#request;
    this.#fail(
      translate(error, {
        target,
        phase: this.#phase,
        mayHaveArrived: this.#mayHaveArrived,
        received: this.#received,
        expected: numberOf(this.#headers["content-length"]),
      }),
    );
  }

  get #mayHaveArrived(): boolean {
    const connection = this.#connection;
    return connection !== undefined && (connection.multiplexed || connection.bytesWritten > this.#writtenBefore);
  }

  /*
   * A kept-alive connection that closes as the request goes out says nothing about the server: RFC 9112 §9.3.1 lets the
   * request go again at once, unless the server may have acted on it.
   */
  #mayGoUnseen(): boolean {
    if (this.#redispatched || this.#phase !== "headers" || (this.#connection?.uses ?? 1) < 2) return false;
    return this.#request.idempotent || !this.#mayHaveArrived;
  }

  #redispatch(): void {
    this.#redispatched = true;
    this.#phase = "connect";
    const connection = this.#connection;
    this.#connection = undefined;
    this.#controller = undefined;
    if (connection !== undefined) queueMicrotask(() => this.#road.pool.release(connection));
    this.#road.pool.take(this, true);
  }

  /** A body that is still going out is not silence. */
  #noteUpload(connection: Connection, now: number): void {
    if (this.#phase !== "headers") return;
    const taken = connection.bytesWritten - connection.bytesWaiting;
    if (taken > this.#takenBefore) this.#activeAt = now;
    this.#takenBefore = taken;
  }

  readonly #abort = (): void => {
    this.#fail(this.#limits.signal?.reason);
  };

  #fail(error: unknown): void {
    if (this.#ended) return;
    const controller = this.#controller;
    this.#end();
    controller?.abort(error instanceof Error ? error : new Error("Aborted"));
    if (this.#connection === undefined) this.#road.pool.cancel();
    else if (controller === undefined) this.#connection.destroy();
    this.#reject(error);
  }

  #end(): void {
    this.#ended = true;
    this.#road.watchdog.unwatch(this);
    this.#limits.signal?.removeEventListener("abort", this.#abort);
    const connection = this.#connection;
    // undici decides right after this whether the connection can be used again.
    if (connection !== undefined) queueMicrotask(() => this.#road.pool.release(connection));
  }
}

function numberOf(header: string | string[] | undefined): number | undefined {
  const value = Number(header);
  return header === undefined || Number.isNaN(value) ? undefined : value;
}
