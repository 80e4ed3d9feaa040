import { leaveBrokenBody } from "../../model/partial-body.ts";
import { IncompleteBodyError } from "../../errors/transport-errors.ts";
import { announcedLength } from "../wire/content-length.ts";
import { Exchange } from "./exchange.ts";
import { joined } from "../http1/body-buffer.ts";
import { Late } from "./unread-body-timer.ts";
import type { Controller } from "../wire/protocol.ts";
import type { BodyRest, ExchangeLimits, RawAnswer, WireRequest } from "../wire/messages.ts";
import type { Endpoint } from "../pool/endpoint.ts";

const nothing = Buffer.alloc(0);
const noChunks: readonly Buffer[] = [];

/**
 * One request and its whole answer. Where that is no success, and the call goes on from its head alone, the answer is given
 * without a body that is long in coming; the exchange then stands still until somebody says what becomes of it.
 */
export class BufferedExchange extends Exchange implements BodyRest {
  readonly gathers = true;
  readonly #asked: URL;
  readonly #resolve: (answer: RawAnswer) => void;
  readonly #reject: (error: unknown) => void;
  #chunks: Buffer[] | undefined;
  #late: Late | undefined;
  #missing: Error | undefined;

  constructor(
    [request, limits, road]: readonly [WireRequest, ExchangeLimits, Endpoint],
    resolve: (answer: RawAnswer) => void,
    reject: (error: unknown) => void,
  ) {
    super(request, limits, road);
    this.#asked = request.url;
    this.#resolve = resolve;
    this.#reject = reject;
    this.start();
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    // Most bodies come in one piece: a list of one takes an eighth of what `push` reserves.
    if (this.#chunks === undefined) this.#chunks = [chunk];
    else this.#chunks.push(chunk);
    this.count(chunk);
    if (this.#late !== undefined) this.#lookAt(this.#late, this.received);
  }

  protected opened(): void {
    // Hot path: what was asked for is waited for.
    if (this.status >= 300) {
      this.#late = new Late(this.now);
      this.#lookAt(this.#late, announcedLength(this.headers) ?? 0);
    }
    if (this.#late?.waiting === undefined) this.refuseTooMany(this.announced);
  }

  override look(now: number): void {
    super.look(now);
    if (this.#late !== undefined && !this.ended) this.#lookAt(this.#late, 0);
  }

  protected completed(): void {
    const { status, statusText, headers } = this;
    const chunks = this.#chunks ?? noChunks;
    const body = chunks.length > 1 ? joined(chunks, this.received) : (chunks[0] ?? nothing);
    const waiting = this.#late?.waiting;
    if (waiting === undefined) this.#resolve({ status, statusText, headers, body });
    else waiting.resolve(body);
  }

  protected failed(error: unknown): void {
    const { status, statusText, headers } = this;
    const waiting = this.#late?.waiting;
    if (waiting !== undefined) return waiting.reject(error);
    const chunks = this.#chunks ?? noChunks;
    if (status > 0) leaveBrokenBody(error, { url: this.#asked.href, status, statusText, headers, chunks });
    this.#reject(error);
  }

  whole(): Promise<Buffer> {
    const late = this.#late;
    if (late?.waiting === undefined) return Promise.reject(this.missing);
    late.heldUntil = Infinity;
    this.refuseTooMany(this.announced);
    if (!this.ended) {
      this.activeAt = this.now;
      this.controller?.resume();
    }
    return late.waiting.whole;
  }

  drop(): void {
    this.fail(this.missing);
  }

  get missing(): Error {
    return (this.#missing ??= new IncompleteBodyError(this.received, announcedLength(this.headers), {
      cause: new Error("The rest was not waited for: the call goes on without it"),
    }));
  }

  #lookAt(late: Late, bytes: number): void {
    if (this.ended) return;
    const { now } = this;
    if (now >= late.heldUntil) return this.drop();
    if (!late.isDue(now, bytes)) return;
    const { status, statusText, headers } = this;
    if (!this.goesOn({ status, headers })) return;
    late.begin();
    // Nobody reads until somebody decides; whoever forgets to must not hold a connection.
    late.heldUntil = now + this.readLimit;
    this.activeAt = Infinity;
    this.controller?.pause();
    this.tellTrace();
    this.#resolve({ status, statusText, headers, body: nothing, rest: this });
  }
}
