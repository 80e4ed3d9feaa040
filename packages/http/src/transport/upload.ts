import { Readable } from "node:stream";
import { openBody, type Body } from "../body.ts";

// Small enough to be seen going out, large enough to cost nothing.
const pieceBytes = 64 * 1024;

type Sendable = string | Uint8Array | Readable | null;

/** The body of one exchange on its way out: a stream is opened once, and made anew only when some of it was used. */
export class Upload {
  readonly #body: Body;
  #stream: Readable | undefined;

  constructor(body: Body) {
    this.#body = body;
  }

  /** Whether the whole of it can still be sent. */
  get whole(): boolean {
    return this.#body.kind !== "one-shot" || !isTouched(this.#stream);
  }

  /** Whether that is what the caller's own stream failed with. */
  failedWith(error: Error): boolean {
    return this.#stream?.errored === error;
  }

  /** The body for HTTP/1.1, whose progress the socket shows. */
  open(): Sendable {
    if (this.#stream !== undefined && isTouched(this.#stream)) this.drop();
    const opened = this.#stream ?? openBody(this.#body);
    if (opened instanceof Readable) this.#stream = opened;
    return opened;
  }

  /** The body for HTTP/2, where many share the socket: in pieces, so that undici tells of each that it went out. */
  openShared(): Sendable {
    const opened = this.open();
    if (opened === null || (!(opened instanceof Readable) && opened.length <= pieceBytes)) return opened;
    // undici takes anything that can be iterated; its types do not say so.
    return piecesOf(opened) as unknown as Readable;
  }

  /** Lets go of a stream that was made for this exchange; a one-shot stream stays its owner's. */
  drop(): void {
    if (this.#body.kind !== "factory") return;
    this.#stream?.destroy();
    this.#stream = undefined;
  }
}

function piecesOf(body: string | Uint8Array | Readable): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  return body instanceof Readable ? { [Symbol.asyncIterator]: () => body[Symbol.asyncIterator]() } : slices(Buffer.from(body));
}

function* slices(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

function isTouched(stream: Readable | undefined): boolean {
  return stream !== undefined && (stream.readableDidRead || stream.destroyed);
}
