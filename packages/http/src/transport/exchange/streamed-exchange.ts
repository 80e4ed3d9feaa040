import type { BodySource } from "../../model/body-source.ts";
import type { Observer } from "../../model/trace.ts";
import { Exchange } from "./exchange.ts";
import type { ExchangeController } from "../wire/protocol.ts";
import type { CallBounds, ExchangeLimits, RawResponse, WireRequest } from "../wire/messages.ts";
import type { Endpoint } from "../pool/endpoint.ts";

/** An answer whose body is still coming, as sent. */
export interface StreamedRawResponse extends Omit<RawResponse, "body"> {
  readonly body: BodySource;
}

/** The limits of an exchange whose body outlives the attempt: `after` holds in place of the attempt's own once the head is there. */
export interface StreamLimits extends ExchangeLimits {
  readonly bodyBounds: CallBounds;
}

// What waits for a reader: enough that a quick one is never kept waiting for the socket.
const maxWaitingBytes = 64 * 1024;

// Reading a rest that nobody wants is cheaper than a new connection only as long as it is short.
const maxDrainBytes = 64 * 1024;
const drainMs = 100;

/** Whoever waits for something that comes once. */
interface PendingRead<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/** How a body ended. */
type BodyEnd = { readonly whole: true } | { readonly whole: false; readonly error: unknown };

/**
 * One request and the head of its answer; the body is read from it. The socket stands still while more than 64 KiB wait
 * for the reader, and the read limit runs only while the reader waits.
 */
export class StreamedExchange extends Exchange implements BodySource {
  readonly collectsBody = false;
  readonly #resolve: (answer: StreamedRawResponse) => void;
  readonly #reject: (error: unknown) => void;
  readonly #after: CallBounds;
  readonly #bounded: boolean;
  readonly #pieces: Buffer[] = [];
  #waitingBytes = 0;
  #headed = false;
  #watched = true;
  #flow: ExchangeController | undefined;
  #reader: PendingRead<Uint8Array | undefined> | undefined;
  #end: BodyEnd | undefined;
  /** Set while the rest is read away. */
  #drain: { readonly until: number; readonly mostBytes: number; readonly done: () => void } | undefined;

  constructor(
    [request, limits, road]: readonly [WireRequest, StreamLimits, Endpoint],
    resolve: (answer: StreamedRawResponse) => void,
    reject: (error: unknown) => void,
  ) {
    super(request, { ...limits, observer: weakObserver(limits.observer) }, road);
    this.#resolve = resolve;
    this.#reject = reject;
    this.#after = limits.bodyBounds;
    this.#bounded = Math.min(limits.attempt, limits.bodyBounds.deadline) < Infinity;
    this.start();
  }

  read(): Promise<Uint8Array | undefined> {
    const { signal } = this.#after;
    if (signal?.aborted === true) this.cancel(signal.reason);
    const piece = this.#take();
    if (piece !== undefined) return Promise.resolve(piece);
    if (this.#end !== undefined)
      return this.#end.whole ? Promise.resolve(undefined) : Promise.reject(this.#end.error);
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      this.#wait();
    });
  }

  cancel(reason: unknown): void {
    this.#pieces.length = 0;
    this.#waitingBytes = 0;
    this.#end = this.#end?.whole === false ? this.#end : { whole: false, error: reason };
    this.fail(reason);
  }

  drain(): Promise<void> {
    if (this.#end !== undefined) return Promise.resolve();
    const left = Number(this.headers["content-length"]) - this.received;
    if (left > maxDrainBytes) return Promise.resolve(this.cancel(discardedError));
    return new Promise((done) => {
      this.#pieces.length = 0;
      this.#drain = { until: this.now + drainMs, mostBytes: this.received + maxDrainBytes, done };
      this.#wait();
    });
  }

  override checkLimits(now: number): void {
    if (this.#drain !== undefined && now >= this.#drain.until) this.cancel(discardedError);
    else super.checkLimits(now);
  }

  onResponseData(controller: ExchangeController, chunk: Buffer): void {
    this.count(chunk);
    if (this.#end !== undefined) return;
    if (this.#drain !== undefined) {
      if (this.received > this.#drain.mostBytes) this.cancel(discardedError);
      return;
    }
    const reader = this.#reader;
    if (reader !== undefined) {
      this.#rest();
      return reader.resolve(chunk);
    }
    this.activeAt = Infinity;
    this.#pieces.push(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes >= maxWaitingBytes) controller.pause();
  }

  protected opened(controller: ExchangeController): void {
    // What is no success may be let go of, or looked at for its head.
    if (this.status < 300) this.refuseTooMany(this.announced);
    if (this.ended) return;
    this.#headed = true;
    this.#flow = controller;
    this.#rest();
    const { status, statusText, headers } = this;
    this.tellTrace();
    this.#resolve({ status, statusText, headers, body: this });
    this.rebind(this.#after);
  }

  protected completed(): void {
    this.#conclude({ whole: true });
  }

  protected failed(error: unknown): void {
    if (this.#headed) this.#conclude({ whole: false, error });
    else this.#reject(error);
  }

  #take(): Buffer | undefined {
    const piece = this.#pieces.shift();
    if (piece === undefined) return undefined;
    this.#waitingBytes -= piece.length;
    if (this.#waitingBytes < maxWaitingBytes / 2) this.#flow?.resume();
    return piece;
  }

  /** From here on somebody waits for what comes next. */
  #wait(): void {
    this.activeAt = this.now;
    if (!this.#watched) this.watch();
    this.#watched = true;
    this.#flow?.resume();
  }

  /** Nobody waits; where no limit runs on without a reader, nobody needs to look, and an unread body keeps no process alive. */
  #rest(): void {
    this.#reader = undefined;
    this.activeAt = Infinity;
    if (!this.#watched || this.#bounded) return;
    this.unwatch();
    this.#watched = false;
  }

  #conclude(end: BodyEnd): void {
    this.#end ??= end;
    this.#watched = false;
    const [reader, drained] = [this.#reader, this.#drain];
    this.#reader = undefined;
    this.#drain = undefined;
    // The connection may be another exchange's by now.
    this.#flow = undefined;
    drained?.done();
    if (this.#end.whole) reader?.resolve(undefined);
    else reader?.reject(this.#end.error);
  }
}

/** Whoever asked holds the body, and is not to be held by it: a body that nobody holds any more could not be found otherwise. */
function weakObserver(observer: Observer | undefined): Observer | undefined {
  if (observer === undefined) return undefined;
  const known = new WeakRef(observer);
  return { observe: (trace) => known.deref()?.observe(trace) };
}

const discardedError = new Error("The rest of the body is not wanted");
