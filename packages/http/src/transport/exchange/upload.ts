import { Readable } from "node:stream";
import { openBody, type Body } from "../../model/body.ts";
import type { WireRequest } from "../wire/messages.ts";
import type { RequestBody } from "../wire/protocol.ts";

// Small enough to be seen going out, large enough to cost nothing.
const pieceBytes = 64 * 1024;

/** The body of one exchange on its way out: a stream is opened once, and made anew only when some of it was used. */
export class Upload {
  readonly #body: Body;
  #stream: Readable | undefined;

  constructor(body: Body) {
    this.#body = body;
  }

  /** Whether the whole of it can still be sent. */
  get isReplayable(): boolean {
    return this.#body.kind !== "one-shot" || !wasRead(this.#stream);
  }

  /** Whether a stream has not ended, and has nothing to give. */
  get isStarved(): boolean {
    const stream = this.#stream;
    return stream?.readableEnded === false && !stream.destroyed && stream.readableLength === 0;
  }

  /** Whether that is what the caller's own stream failed with. */
  failedWith(error: unknown): boolean {
    return this.#stream?.errored === error;
  }

  /**
   * Gives the body in a form whose progress can be seen: what is large goes out in pieces, because a socket tells of a
   * write only when all of it is gone, and `shared` sockets (HTTP/2) tell nothing of one stream.
   */
  open(shared: boolean): RequestBody {
    if (wasRead(this.#stream)) this.discard();
    const body = this.#stream ?? openBody(this.#body);
    if (body instanceof Readable) return this.#openStream(body, shared);
    if (body === null || body.length <= pieceBytes) return { body };
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    return { body: sliceBytes(bytes), length: bytes.length };
  }

  #openStream(stream: Readable, shared: boolean): RequestBody {
    // It may fail before anybody reads it; whoever reads it then hears of it.
    if (this.#stream !== stream) stream.on("error", () => undefined);
    this.#stream = stream;
    const length = this.#body.kind === "factory" ? this.#body.length : undefined;
    return {
      body: shared ? { [Symbol.asyncIterator]: () => stream[Symbol.asyncIterator]() } : stream,
      length,
    };
  }

  /** Lets go of a stream that was made for this exchange; a one-shot stream stays its owner's. */
  discard(): void {
    if (this.#body.kind !== "factory") return;
    this.#stream?.destroy();
    this.#stream = undefined;
  }
}

/** The headers of a request whose body is that long, where that is known and they do not say it themselves. */
export function withContentLength(
  headers: WireRequest["headers"],
  length: number | undefined,
): WireRequest["headers"] {
  return length === undefined || "content-length" in headers
    ? headers
    : { ...headers, "content-length": String(length) };
}

function* sliceBytes(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

function wasRead(stream: Readable | undefined): boolean {
  return stream !== undefined && (stream.readableDidRead || stream.destroyed);
}
