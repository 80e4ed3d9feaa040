import { IncompleteBodyError, ReadTimeoutError } from "../../errors/transport-errors.ts";
import { longestTurn } from "../../model/body-budget.ts";
import type { UnreadBody } from "../../model/body-source.ts";
import { attachPartialBody } from "../../model/partial-body.ts";
import type { Observer } from "../../model/trace.ts";
import type { Endpoint } from "../pool/endpoint.ts";
import { contentLength, type ExchangeLimits, type RawResponse, type WireRequest } from "../wire/messages.ts";
import type { ExchangeController } from "../wire/protocol.ts";
import { addPiece, joinPieces } from "../../support/pieces.ts";
import { Exchange } from "./exchange.ts";

const emptyBody = Buffer.alloc(0);
const noChunks: readonly Buffer[] = [];

/*
 * Limits of a body that the call does not need: longer than any error page, and as long as the shortest usual back-off.
 * Beyond them a new connection costs less than reading on.
 */
const maxUnwantedMs = 1_000;

/** Longest body, in bytes, that is read although the call continues without it: as sent, and once more as decoded. */
export const maxUnwantedBytes: number = 1024 * 1024;

/**
 * One request and its complete response.
 *
 * When an unsuccessful response has a long or slow body, and the call continues whatever that body says, the response is
 * given without its body. The exchange then pauses until `readAll` or `discard` is called.
 */
export class BufferedExchange extends Exchange implements UnreadBody {
  readonly collectsBody = true;
  readonly #url: URL;
  readonly #resolve: (response: RawResponse) => void;
  readonly #reject: (error: unknown) => void;
  #chunks: Buffer[] | undefined;
  #unwanted: UnwantedBody | undefined;
  #missingError: Error | undefined;

  constructor(
    [request, limits, endpoint]: readonly [WireRequest, ExchangeLimits, Endpoint],
    resolve: (response: RawResponse) => void,
    reject: (error: unknown) => void,
  ) {
    super(request, limits, endpoint);
    this.#url = request.url;
    this.#resolve = resolve;
    this.#reject = reject;
    this.start();
  }

  onResponseData(_controller: ExchangeController, chunk: Buffer): void {
    // Most bodies arrive in one piece: an array literal of one takes an eighth of the memory that `push` reserves.
    if (this.#chunks === undefined) this.#chunks = [chunk];
    else addPiece(this.#chunks, chunk);
    this.countBytes(chunk);
    // Hot path: few sessions have a budget.
    if (this.memory !== undefined) this.#countMemory(this.memory, chunk.length);
    if (this.received > maxUnwantedBytes) this.#offerUnread();
  }

  #countMemory(memory: NonNullable<Observer["memory"]>, bytes: number): void {
    if (this.ended || memory.add(bytes)) return;
    // The time of the wait is not that of the server.
    this.activeAt = Infinity;
    this.controller?.pause();
    memory.wait(() => {
      if (this.ended) return;
      this.activeAt = this.now;
      this.controller?.resume();
    });
  }

  protected headReceived(): void {
    // Hot path: the body of a successful response is always read.
    if (this.status >= 300) {
      this.#unwanted = { dueAt: this.now + maxUnwantedMs, decideBy: Infinity, pending: undefined };
      if ((contentLength(this.headers) ?? 0) > maxUnwantedBytes) this.#offerUnread();
    }
    if (this.#unwanted?.pending === undefined) this.rejectTooLarge(this.expectedLength);
  }

  override checkLimits(now: number): void {
    super.checkLimits(now);
    if (this.memory?.isOverdue(now) === true) this.fail(memoryError(this.request.target));
    const unwanted = this.#unwanted;
    if (unwanted === undefined || this.ended) return;
    // Only here, where a late check first lets the process read what arrived.
    if (now >= unwanted.decideBy) this.discard();
    else if (now >= unwanted.dueAt) this.#offerUnread();
  }

  protected bodyCompleted(): void {
    const { status, statusText, headers } = this;
    const chunks = this.#chunks ?? noChunks;
    const body = chunks.length > 1 ? joinPieces(chunks, this.received) : (chunks[0] ?? emptyBody);
    const pending = this.#unwanted?.pending;
    if (pending === undefined) this.#resolve({ status, statusText, headers, body });
    else pending.resolve(body);
  }

  protected exchangeFailed(error: unknown): void {
    const { status, statusText, headers } = this;
    const pending = this.#unwanted?.pending;
    if (pending !== undefined) return pending.reject(error);
    const chunks = this.#chunks ?? noChunks;
    if (status > 0) attachPartialBody(error, { url: this.#url.href, status, statusText, headers, chunks });
    this.#reject(error);
  }

  readAll(): Promise<Buffer> {
    const unwanted = this.#unwanted;
    if (unwanted?.pending === undefined) return Promise.reject(this.missingError);
    unwanted.decideBy = Infinity;
    this.rejectTooLarge(this.expectedLength);
    if (!this.ended) {
      this.activeAt = this.now;
      this.controller?.resume();
    }
    return unwanted.pending.promise;
  }

  discard(): void {
    this.fail(this.missingError);
  }

  get missingError(): Error {
    return (this.#missingError ??= new IncompleteBodyError(this.received, contentLength(this.headers), {
      cause: new Error("The call continued without the rest of the body"),
    }));
  }

  /** Gives the response without its body, which is too slow or has too many bytes, if the call does not need it. */
  #offerUnread(): void {
    const unwanted = this.#unwanted;
    if (this.ended || unwanted === undefined || unwanted.dueAt === Infinity) return;
    unwanted.dueAt = Infinity;
    const { status, statusText, headers } = this;
    if (!this.continuesWithoutBody({ status, headers })) return;
    unwanted.pending = pendingBody();
    // No reader until `readAll` is called; a caller that never decides must not hold the connection.
    unwanted.decideBy = this.now + this.limits.read;
    this.activeAt = Infinity;
    this.controller?.pause();
    this.reportTrace();
    this.#resolve({ status, statusText, headers, body: emptyBody, unreadBody: this });
  }
}

function memoryError(target: string): ReadTimeoutError {
  return new ReadTimeoutError(target, longestTurn, {
    reason: "no end of a body that others waited for (maxMemory)",
  });
}

/** The body of an unsuccessful response, which the call may not need. */
interface UnwantedBody {
  /** When the call is asked whether it needs the body; Infinity after it was asked. */
  dueAt: number;
  /** When the body is discarded unless the holder of the response has decided. */
  decideBy: number;
  /** Set when the response was given without its body. */
  pending: PendingBody | undefined;
}

interface PendingBody {
  readonly promise: Promise<Buffer>;
  readonly resolve: (body: Buffer) => void;
  readonly reject: (error: unknown) => void;
}

function pendingBody(): PendingBody {
  const pending = Promise.withResolvers<Buffer>();
  // A discarded body rejects a promise that has no reader.
  pending.promise.catch(() => undefined);
  return pending;
}
