import type { Readable } from "node:stream";
import type { ReadableStreamAsyncIterator } from "node:stream/web";
import { loadStream } from "../support/builtins.ts";
import type { BodyReader } from "./body-reader.ts";

/**
 * The body of a response as it arrives: a web stream, which `for await` and `readable()` read faster. Read it once.
 *
 * A slow reader slows the server down. Leaving the loop early closes the connection. So does dropping every reference to
 * an unread body, once the garbage collector finds it.
 */
export class BodyStream extends ReadableStream<Uint8Array> {
  readonly #reader: BodyReader;
  readonly #fail: (error: unknown) => void;

  constructor(reader: BodyReader) {
    let fail: (error: unknown) => void = () => undefined;
    super(
      {
        start: (controller) => {
          fail = (error) => controller.error(error);
        },
        pull: async (controller) => {
          const { done, value } = await reader.next();
          if (done === true) controller.close();
          else controller.enqueue(value);
        },
        cancel: (reason) => reader.cancel(reason),
      },
      // No queue: the connection is read only when the stream is.
      { highWaterMark: 0 },
    );
    this.#reader = reader;
    this.#fail = fail;
    reader.share(this);
  }

  /**
   * Reads the body chunk by chunk. The caller owns the chunks.
   *
   * @throws TypeError if the body is already being read. Reading throws IncompleteBodyError or another error of a call,
   * with its attempts, or the reason of the signal.
   */
  override [Symbol.asyncIterator](): ReadableStreamAsyncIterator<Uint8Array> {
    return this.values();
  }

  /** Reads the body as `for await` does. After a loop with `preventCancel` was left early, another reader can continue. */
  override values(options?: { readonly preventCancel?: boolean }): ReadableStreamAsyncIterator<Uint8Array> {
    return options?.preventCancel === true ? super.values(options) : this.#reader.claim("here").values();
  }

  /**
   * Returns the body as a stream of Node. Destroying it closes the connection.
   *
   * @throws TypeError if the body is already being read.
   */
  get readable(): (() => Readable) & AsyncIterable<Uint8Array> {
    const readable = (): Readable => toReadable(this.#reader.claim("here"));
    // If a web stream has a property `readable`, `pipeline` of Node iterates over its value.
    return Object.assign(readable, { [Symbol.asyncIterator]: () => this.values() });
  }

  /**
   * Stops reading the body and closes its connection, even if a reader has locked the stream. Reads under way and later
   * ones throw `reason`.
   */
  override cancel(reason: unknown = new DOMException("The body was cancelled", "AbortError")): Promise<void> {
    if (!this.locked) return super.cancel(reason);
    this.#reader.cancel(reason);
    this.#fail(reason);
    return Promise.resolve();
  }
}

function toReadable(reader: BodyReader): Readable {
  const { Readable } = loadStream();
  return new Readable({
    read() {
      reader.next().then(
        ({ done, value }) => this.push(done === true ? null : value),
        (error: unknown) =>
          this.destroy(error instanceof Error ? error : new Error(String(error), { cause: error })),
      );
    },
    destroy(error, done) {
      reader.cancel(error ?? undefined);
      done(error);
    },
  });
}
