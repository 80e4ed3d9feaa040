import type { BodyMemory } from "../../model/body-memory.ts";
import type { BodySource } from "../../model/body-source.ts";
import type { Observer } from "../../model/trace.ts";
import type { Endpoint } from "../pool/endpoint.ts";
import type { CallBounds, ExchangeLimits, RawResponse, WireRequest } from "../wire/messages.ts";
import type { ExchangeController } from "../wire/protocol.ts";
import { addPiece } from "../../support/pieces.ts";
import { Exchange } from "./exchange.ts";

/** A response with a body that is still arriving, as sent. */
export interface StreamedRawResponse extends Omit<RawResponse, "body"> {
  readonly body: BodySource;
}

/** The limits of an exchange. Its body may outlive the attempt. */
export interface StreamLimits extends ExchangeLimits {
  /** The deadline and the signal that replace the attempt's own after the head has arrived. */
  readonly bodyBounds: CallBounds;
  /** Memory for the pieces of the body. @default new memory for each piece */
  readonly bodyMemory?: BodyMemory | undefined;
}

// Enough unread bytes that a fast reader never waits for the socket.
const maxBufferedBytes = 64 * 1024;

// Reading a discarded body to its end is cheaper than a new connection only for a few bytes.
const maxDrainBytes = 64 * 1024;
const maxDrainMs = 100;

interface PendingRead {
  readonly resolve: (piece: Uint8Array | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** How a body ended. */
type BodyEnd = { readonly complete: true } | { readonly complete: false; readonly error: unknown };

/**
 * One request and the head of its response. The exchange itself is the source of the body.
 *
 * The socket is paused while more than 64 KiB wait for the reader. The read limit counts only while the reader waits.
 */
export class StreamedExchange extends Exchange implements BodySource {
  readonly collectsBody = false;
  readonly bodyMemory: BodyMemory | undefined;
  readonly #resolve: (response: StreamedRawResponse) => void;
  readonly #reject: (error: unknown) => void;
  readonly #bodyBounds: CallBounds;
  /** Whether a limit holds even while nothing is read. */
  readonly #isBounded: boolean;
  readonly #pieces: Uint8Array[] = [];
  #bufferedBytes = 0;
  #hasHead = false;
  #isWatched = true;
  /** Pauses and resumes the body while it arrives. */
  #bodyController: ExchangeController | undefined;
  #reader: PendingRead | undefined;
  #bodyEnd: BodyEnd | undefined;
  /** Set while a discarded body is read to its end. */
  #drain: { readonly until: number; readonly maxReceived: number; readonly done: () => void } | undefined;

  constructor(
    [request, limits, endpoint]: readonly [WireRequest, StreamLimits, Endpoint],
    resolve: (response: StreamedRawResponse) => void,
    reject: (error: unknown) => void,
  ) {
    super(request, { ...limits, observer: weakObserver(limits.observer) }, endpoint);
    this.#resolve = resolve;
    this.#reject = reject;
    this.#bodyBounds = limits.bodyBounds;
    this.bodyMemory = limits.bodyMemory;
    this.#isBounded = Math.min(limits.attempt, limits.bodyBounds.deadline) < Infinity;
    this.start();
  }

  read(): Promise<Uint8Array | undefined> {
    const { signal } = this.#bodyBounds;
    if (signal?.aborted === true) this.cancel(signal.reason);
    const piece = this.#takePiece();
    if (piece !== undefined) return Promise.resolve(piece);
    if (this.#bodyEnd !== undefined)
      return this.#bodyEnd.complete ? Promise.resolve(undefined) : Promise.reject(this.#bodyEnd.error);
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      this.#startReading();
    });
  }

  takeArrived(): Uint8Array | null | undefined {
    if (this.#bodyBounds.signal?.aborted === true) return undefined;
    return this.#takePiece() ?? (this.#bodyEnd?.complete === true ? null : undefined);
  }

  cancel(reason: unknown): void {
    this.#pieces.length = 0;
    this.#bufferedBytes = 0;
    this.#bodyEnd = this.#bodyEnd?.complete === false ? this.#bodyEnd : { complete: false, error: reason };
    this.fail(reason);
  }

  drain(): Promise<void> {
    if (this.#bodyEnd !== undefined) return Promise.resolve();
    const left = Number(this.headers["content-length"]) - this.received;
    if (left > maxDrainBytes) return Promise.resolve(this.cancel(discardedError));
    return new Promise((done) => {
      this.#pieces.length = 0;
      this.#drain = { until: this.now + maxDrainMs, maxReceived: this.received + maxDrainBytes, done };
      this.#startReading();
    });
  }

  override checkLimits(now: number): void {
    if (this.#drain !== undefined && now >= this.#drain.until) this.cancel(discardedError);
    else super.checkLimits(now);
  }

  onResponseData(controller: ExchangeController, chunk: Buffer): void {
    this.countBytes(chunk);
    if (this.#bodyEnd !== undefined) return;
    if (this.#drain !== undefined) {
      if (this.received > this.#drain.maxReceived) this.cancel(discardedError);
      return;
    }
    const reader = this.#reader;
    if (reader !== undefined) {
      this.#stopReading();
      return reader.resolve(chunk);
    }
    this.activeAt = Infinity;
    addPiece(this.#pieces, chunk);
    this.#bufferedBytes += chunk.length;
    if (this.#bufferedBytes >= maxBufferedBytes) controller.pause();
  }

  protected headReceived(controller: ExchangeController): void {
    // The caller may discard an unsuccessful response, or only look at its head.
    if (this.status < 300) this.rejectTooLarge(this.expectedLength);
    if (this.ended) return;
    this.#hasHead = true;
    this.#bodyController = controller;
    this.#stopReading();
    const { status, statusText, headers } = this;
    this.reportTrace();
    this.#resolve({ status, statusText, headers, body: this });
    this.rebind(this.#bodyBounds);
  }

  protected bodyCompleted(): void {
    this.#concludeBody({ complete: true });
  }

  protected exchangeFailed(error: unknown): void {
    if (this.#hasHead) this.#concludeBody({ complete: false, error });
    else this.#reject(error);
  }

  #takePiece(): Uint8Array | undefined {
    const piece = this.#pieces.shift();
    if (piece === undefined) return undefined;
    this.#bufferedBytes -= piece.length;
    if (this.#bufferedBytes < maxBufferedBytes / 2) this.#bodyController?.resume();
    return piece;
  }

  /** Starts the read limit and resumes the body. */
  #startReading(): void {
    this.activeAt = this.now;
    if (!this.#isWatched) this.watch();
    this.#isWatched = true;
    this.#bodyController?.resume();
  }

  /**
   * Stops the read limit. When no other limit holds, also leaves the watchdog, so that an unread body keeps no process
   * alive.
   */
  #stopReading(): void {
    this.#reader = undefined;
    this.activeAt = Infinity;
    if (!this.#isWatched || this.#isBounded) return;
    this.unwatch();
    this.#isWatched = false;
  }

  #concludeBody(end: BodyEnd): void {
    this.#bodyEnd ??= end;
    this.#isWatched = false;
    const [reader, drain] = [this.#reader, this.#drain];
    this.#reader = undefined;
    this.#drain = undefined;
    // The connection may already carry another exchange.
    this.#bodyController = undefined;
    drain?.done();
    if (this.#bodyEnd.complete) reader?.resolve(undefined);
    else reader?.reject(this.#bodyEnd.error);
  }
}

/**
 * Returns an observer that refers weakly to another one. The observer is the call, which holds the body: a strong reference
 * back from the body would keep an abandoned body from being garbage-collected.
 */
function weakObserver(observer: Observer | undefined): Observer | undefined {
  if (observer === undefined) return undefined;
  const reference = new WeakRef(observer);
  return {
    observe: (trace) => reference.deref()?.observe(trace),
    addWireTime: (ms) => reference.deref()?.addWireTime?.(ms) ?? 0,
  };
}

const discardedError = new Error("The rest of the body was discarded");
