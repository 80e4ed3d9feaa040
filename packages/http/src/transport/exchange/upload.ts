import { Readable } from "node:stream";
import { openBody, type Body, type RunInContext } from "../../model/body.ts";
import { errorCode } from "../errors/error-code.ts";
import { lengthMismatch, parseDeclaredLength } from "../wire/body-length.ts";
import { freePiece, isFreeable } from "../../model/blob-pieces.ts";
import type { WireRequest } from "../wire/messages.ts";
import type { DestroyablePieces, RequestBody } from "../wire/protocol.ts";

// Small enough to show progress, large enough to cost little.
const pieceBytes = 64 * 1024;

/** The request body of one exchange. A stream is opened once, and opened again only if some of it was read. */
export class Upload {
  readonly #body: Body;
  #stream: Readable | undefined;

  constructor(body: Body) {
    this.#body = body;
  }

  /** Whether the complete body can still be sent. */
  get isReplayable(): boolean {
    return this.#body.kind !== "one-shot" || !wasRead(this.#stream);
  }

  /** Whether the body is a stream that has not ended and has no bytes to give. */
  get isStarved(): boolean {
    const stream = this.#stream;
    return stream?.readableEnded === false && !stream.destroyed && stream.readableLength === 0;
  }

  /** Returns whether an error is the one that the caller's stream failed with, or says that the caller destroyed it. */
  failedWith(error: unknown): boolean {
    const stream = this.#stream;
    if (stream === undefined) return false;
    return (
      stream.errored === error || (stream.destroyed && errorCode(error) === "ERR_STREAM_PREMATURE_CLOSE")
    );
  }

  /** Opens the body in a form that shows progress: a socket reports a write only when all of it is sent. */
  open(): RequestBody {
    if (wasRead(this.#stream)) this.discard();
    const body = this.#stream ?? openBody(this.#body);
    if (body instanceof Readable) return this.#openStream(body);
    if (body === null || body.length <= pieceBytes) return { body };
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    return { body: sliceBytes(bytes), length: bytes.length };
  }

  #openStream(stream: Readable): RequestBody {
    // The stream may fail before it is read. The reader then receives the error.
    if (this.#stream !== stream) stream.on("error", () => undefined);
    this.#stream = stream;
    const run = "run" in this.#body ? this.#body.run : undefined;
    const length = this.#body.kind === "factory" ? this.#body.length : undefined;
    return { body: new StreamPieces(stream, run), length };
  }

  /** Destroys a stream that was opened for this exchange. A one-shot stream belongs to the caller. */
  discard(): void {
    if (this.#body.kind !== "factory") return;
    this.#stream?.destroy();
    this.#stream = undefined;
  }
}

/** The pieces of a stream, each read in the asynchronous context of its call, whose functions may create them. */
class StreamPieces implements DestroyablePieces {
  readonly #stream: Readable;
  readonly #run: RunInContext | undefined;
  readonly #unsent: Uint8Array[] = [];

  constructor(stream: Readable, run: RunInContext | undefined) {
    this.#stream = stream;
    this.#run = run;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    const run = this.#run;
    const iterator: AsyncIterator<Uint8Array> = this.#stream[Symbol.asyncIterator]();
    return {
      next: async () => {
        const result = await (run === undefined ? iterator.next() : run(() => iterator.next()));
        if (result.done !== true && isFreeable(result.value)) this.#unsent.push(result.value);
        return result;
      },
      return: async () => {
        this.destroy();
        return (await iterator.return?.()) ?? { done: true, value: undefined };
      },
    };
  }

  destroy(): void {
    this.#stream.destroy();
  }

  piecesSent(): void {
    if (this.#unsent.length === 0) return;
    for (const piece of this.#unsent) freePiece(piece);
    this.#unsent.length = 0;
  }
}

/**
 * Returns the headers with a Content-Length, when the length is known and the headers have none.
 *
 * @throws UnsendableRequest when the headers have another length.
 */
export function withContentLength(
  headers: WireRequest["headers"],
  length: number | undefined,
): WireRequest["headers"] {
  const declared = headers["content-length"];
  if (length === undefined) return headers;
  if (declared === undefined) return { ...headers, "content-length": String(length) };
  if (parseDeclaredLength(declared) !== length) throw lengthMismatch(parseDeclaredLength(declared), length);
  return headers;
}

function* sliceBytes(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

function wasRead(stream: Readable | undefined): boolean {
  return stream !== undefined && (stream.readableDidRead || stream.destroyed);
}
