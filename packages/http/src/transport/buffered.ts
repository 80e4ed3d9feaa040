import { leaveBrokenBody } from "../broken-body.ts";
import { Exchange } from "./exchange.ts";
import { joined } from "./http1/body-room.ts";
import type { Controller } from "./speaker.ts";
import type { ExchangeLimits, RawAnswer, Road, WireRequest } from "./wire.ts";

const nothing = Buffer.alloc(0);
const noChunks: readonly Buffer[] = [];

/** One request and its whole answer. */
export class BufferedExchange extends Exchange {
  readonly gathers = true;
  readonly #asked: URL;
  readonly #resolve: (answer: RawAnswer) => void;
  readonly #reject: (error: unknown) => void;
  #chunks: Buffer[] | undefined;

  constructor(
    [request, limits, road]: readonly [WireRequest, ExchangeLimits, Road],
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
  }

  protected opened(): void {}

  protected completed(): void {
    const { status, statusText, headers } = this;
    const chunks = this.#chunks ?? noChunks;
    const body = chunks.length > 1 ? joined(chunks, this.received) : (chunks[0] ?? nothing);
    this.#resolve({ status, statusText, headers, body });
  }

  protected failed(error: unknown): void {
    const { status, statusText, headers } = this;
    const chunks = this.#chunks ?? noChunks;
    if (status > 0) leaveBrokenBody(error, { url: this.#asked.href, status, statusText, headers, chunks });
    this.#reject(error);
  }
}
