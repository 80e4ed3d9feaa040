import type { BodySource } from "./body-source.ts";

/** Says what is thrown for what ended a body before its end; hooks and records hear of it there. */
export type BodyFailure = (error: unknown) => Promise<unknown>;

const abandoned = new FinalizationRegistry<BodySource>((source) =>
  source.cancel(new Error("Nobody held the body any more")),
);

/**
 * The body of a response as it comes: read once, by `for await` or as a stream of the platform.
 *
 * Whoever reads slowly slows the server down. Leaving the loop early drops the connection, and so does letting go of
 * every reference to a body that was not read to its end, once the garbage collector finds it.
 */
export class LiveBody implements AsyncIterable<Uint8Array> {
  readonly #source: BodySource;
  readonly #onFailure: BodyFailure;
  #state: "unread" | "reading" | "over" = "unread";
  #cancelled: { readonly reason: unknown } | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(source: BodySource, onFailure: BodyFailure) {
    this.#source = source;
    this.#onFailure = onFailure;
    abandoned.register(this, source, this);
  }

  /**
   * Reads the body piece by piece; the pieces are the caller's.
   *
   * @throws TypeError when somebody reads it already; what is read throws IncompleteBodyError and the other errors of a
   * call, with its attempts, or the signal's reason.
   */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    this.#claim();
    return {
      next: () => this.#next(),
      return: () => {
        this.cancel();
        this.#cancelled = undefined;
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  /** Gives the body as a stream of the web platform, which reads no further than it is read. */
  readable(): ReadableStream<Uint8Array> {
    this.#claim();
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
      const { done, value } = await this.#next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    };
    return new ReadableStream({ pull, cancel: (reason) => this.cancel(reason) }, { highWaterMark: 0 });
  }

  /** Ends the body where it is and drops its connection; a read under way, and any later one, fails with the reason. */
  cancel(reason: unknown = new DOMException("The body was cancelled", "AbortError")): void {
    if (this.#state === "over") return;
    this.#cancelled = { reason };
    this.#end();
    this.#source.cancel(reason);
  }

  /** Ends the body where it is; a short rest is read away so that the connection can be used again. The session's own. */
  async discard(): Promise<void> {
    if (this.#state === "over") return;
    this.#end();
    if (this.#source.drain === undefined) this.#source.cancel(new Error("The body is not wanted"));
    else await this.#source.drain();
  }

  #claim(): void {
    if (this.#state !== "unread")
      throw new TypeError("The body of a streamed response can be read once, and was");
    this.#state = "reading";
  }

  #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const piece = this.#turn.then(() => this.#read());
    this.#turn = piece.catch(() => undefined);
    return piece;
  }

  async #read(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#cancelled !== undefined) throw this.#cancelled.reason;
    if (this.#state === "over") return { done: true, value: undefined };
    try {
      const value = await this.#source.read();
      if (value !== undefined) return { done: false, value };
    } catch (error) {
      throw await this.#fail(error);
    }
    this.#end();
    return { done: true, value: undefined };
  }

  async #fail(error: unknown): Promise<unknown> {
    if (this.#cancelled !== undefined) return this.#cancelled.reason;
    this.#end();
    this.#source.cancel(error);
    return this.#onFailure(error);
  }

  #end(): void {
    this.#state = "over";
    abandoned.unregister(this);
  }
}
