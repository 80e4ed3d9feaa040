import { leaveBrokenBody } from "../../model/partial-body.ts";
import { IncompleteBodyError } from "../../errors/transport-errors.ts";
import { contentLength } from "../wire/content-length.ts";
import { Exchange } from "./exchange.ts";
import { joinPieces } from "../wire/read-buffer.ts";
import { UnreadBodyTimer } from "./unread-body-timer.ts";
import type { ExchangeController } from "../wire/protocol.ts";
import type { ExchangeLimits, RawResponse, WireRequest } from "../wire/messages.ts";
import type { UnreadBody } from "../../model/body-source.ts";
import type { Endpoint } from "../pool/endpoint.ts";

const nothing = Buffer.alloc(0);
const noChunks: readonly Buffer[] = [];

/**
 * One request and its whole answer. Where that is no success, and the call goes on from its head alone, the answer is given
 * without a body that is long in coming; the exchange then stands still until somebody says what becomes of it.
 */
export class BufferedExchange extends Exchange implements UnreadBody {
  readonly collectsBody = true;
  readonly #asked: URL;
  readonly #resolve: (answer: RawResponse) => void;
  readonly #reject: (error: unknown) => void;
  #chunks: Buffer[] | undefined;
  #late: UnreadBodyTimer | undefined;
  #missing: Error | undefined;

  constructor(
    [request, limits, road]: readonly [WireRequest, ExchangeLimits, Endpoint],
    resolve: (answer: RawResponse) => void,
    reject: (error: unknown) => void,
  ) {
    super(request, limits, road);
    this.#asked = request.url;
    this.#resolve = resolve;
    this.#reject = reject;
    this.start();
  }

  onResponseData(_controller: ExchangeController, chunk: Buffer): void {
    // Most bodies come in one piece: a list of one takes an eighth of what `push` reserves.
    if (this.#chunks === undefined) this.#chunks = [chunk];
    else this.#chunks.push(chunk);
    this.count(chunk);
    if (this.#late !== undefined) this.#lookAt(this.#late, this.received);
  }

  protected opened(): void {
    // Hot path: what was asked for is waited for.
    if (this.status >= 300) {
      this.#late = new UnreadBodyTimer(this.now);
      this.#lookAt(this.#late, contentLength(this.headers) ?? 0);
    }
    if (this.#late?.pendingBody === undefined) this.refuseTooMany(this.announced);
  }

  override checkLimits(now: number): void {
    super.checkLimits(now);
    if (this.#late !== undefined && !this.ended) this.#lookAt(this.#late, 0);
  }

  protected completed(): void {
    const { status, statusText, headers } = this;
    const chunks = this.#chunks ?? noChunks;
    const body = chunks.length > 1 ? joinPieces(chunks, this.received) : (chunks[0] ?? nothing);
    const waiting = this.#late?.pendingBody;
    if (waiting === undefined) this.#resolve({ status, statusText, headers, body });
    else waiting.resolve(body);
  }

  protected failed(error: unknown): void {
    const { status, statusText, headers } = this;
    const waiting = this.#late?.pendingBody;
    if (waiting !== undefined) return waiting.reject(error);
    const chunks = this.#chunks ?? noChunks;
    if (status > 0) leaveBrokenBody(error, { url: this.#asked.href, status, statusText, headers, chunks });
    this.#reject(error);
  }

  readAll(): Promise<Buffer> {
    const late = this.#late;
    if (late?.pendingBody === undefined) return Promise.reject(this.missingError);
    late.decideBy = Infinity;
    this.refuseTooMany(this.announced);
    if (!this.ended) {
      this.activeAt = this.now;
      this.controller?.resume();
    }
    return late.pendingBody.whole;
  }

  discard(): void {
    this.fail(this.missingError);
  }

  get missingError(): Error {
    return (this.#missing ??= new IncompleteBodyError(this.received, contentLength(this.headers), {
      cause: new Error("The rest was not waited for: the call goes on without it"),
    }));
  }

  #lookAt(late: UnreadBodyTimer, bytes: number): void {
    if (this.ended) return;
    const { now } = this;
    if (now >= late.decideBy) return this.discard();
    if (!late.isDue(now, bytes)) return;
    const { status, statusText, headers } = this;
    if (!this.goesOn({ status, headers })) return;
    late.begin();
    // Nobody reads until somebody decides; whoever forgets to must not hold a connection.
    late.decideBy = now + this.readLimit;
    this.activeAt = Infinity;
    this.controller?.pause();
    this.tellTrace();
    this.#resolve({ status, statusText, headers, body: nothing, unreadBody: this });
  }
}
