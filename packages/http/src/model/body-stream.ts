import type { BodySource } from "./body-source.ts";

/** A body that broke off before its end. */
export interface InterruptedBody {
  readonly error: unknown;
  /** Bytes that were read from the source that broke off. */
  readonly given: number;
  /** Aborted when the reader stops waiting. */
  readonly signal: AbortSignal;
}

/** The continuation of an interrupted body: a source that continues the body, or the error to throw. */
export type BodyContinuation = { readonly source: BodySource } | { readonly error: unknown };

/** Called when a body breaks off before its end. Returns a source that continues it, or the error to throw. */
export type OnInterruption = (interrupted: InterruptedBody) => Promise<BodyContinuation>;

const abandonedBodies = new FinalizationRegistry<BodySource>((source) =>
  source.cancel(new Error("The body was garbage-collected before it was read")),
);

// The class assigns these functions, since only code inside it reaches private fields: users see neither.

/**
 * Takes the source of a body, for a reader that replaces the stream. The stream is over then.
 *
 * @throws TypeError if the body is already being read.
 */
export let releaseBodySource: (body: BodyStream) => BodySource;

/** Stops reading the body. A short remainder is read and dropped, so that the connection can be used again. */
export let discardBodyStream: (body: BodyStream) => Promise<void>;

/**
 * The body of a response as it arrives. Read it once, with `for await` or as a web stream.
 *
 * A slow reader slows the server down. Leaving the loop early closes the connection. So does dropping every reference to
 * an unread body, once the garbage collector finds it.
 */
export class BodyStream implements AsyncIterable<Uint8Array> {
  #source: BodySource;
  readonly #onInterruption: OnInterruption;
  /** Bytes read from the current source. */
  #given = 0;
  /** Ends the search for a source that continues the body, while there is one. */
  #search: AbortController | undefined;
  #state: "unread" | "reading" | "over" = "unread";
  #cancelled: { readonly reason: unknown } | undefined;
  #lastRead: Promise<unknown> = Promise.resolve();

  constructor(source: BodySource, onInterruption: OnInterruption) {
    this.#source = source;
    this.#onInterruption = onInterruption;
    abandonedBodies.register(this, source, this);
  }

  /**
   * Reads the body chunk by chunk. The caller owns the chunks.
   *
   * @throws TypeError if the body is already being read. Reading throws IncompleteBodyError or another error of a call,
   * with its attempts, or the reason of the signal.
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

  /** Returns the body as a web stream. It reads from the connection only when it is read. */
  readable(): ReadableStream<Uint8Array> {
    this.#claim();
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
      const { done, value } = await this.#next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    };
    return new ReadableStream({ pull, cancel: (reason) => this.cancel(reason) }, { highWaterMark: 0 });
  }

  /** Stops reading the body and closes its connection. Reads under way and later ones throw `reason`. */
  cancel(reason: unknown = new DOMException("The body was cancelled", "AbortError")): void {
    if (this.#state === "over") return;
    this.#cancelled = { reason };
    this.#end();
    this.#source.cancel(reason);
    this.#search?.abort(reason);
  }

  #claim(): void {
    if (this.#state !== "unread")
      throw new TypeError("The body of a streamed response can be read once, and was already read");
    this.#state = "reading";
  }

  /** Reads are queued, since a source serves one at a time. */
  #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const read = this.#lastRead.then(() => this.#read());
    this.#lastRead = read.catch(() => undefined);
    return read;
  }

  async #read(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#cancelled !== undefined) throw this.#cancelled.reason;
    if (this.#state === "over") return { done: true, value: undefined };
    const value = await this.#nextChunk();
    if (value !== undefined) return { done: false, value };
    this.#end();
    return { done: true, value: undefined };
  }

  async #nextChunk(): Promise<Uint8Array | undefined> {
    for (;;) {
      try {
        const chunk = await this.#source.read();
        this.#given += chunk?.length ?? 0;
        return chunk;
      } catch (error) {
        await this.#continueAfter(error);
      }
    }
  }

  /** Replaces the broken source by a source that continues the body. Throws if the body cannot continue. */
  async #continueAfter(error: unknown): Promise<void> {
    if (this.#cancelled !== undefined) throw this.#cancelled.reason;
    this.#source.cancel(error);
    const search = (this.#search = new AbortController());
    const continuation = await this.#findContinuation({ error, given: this.#given, signal: search.signal });
    this.#search = undefined;
    if (search.signal.aborted) {
      if ("source" in continuation) continuation.source.cancel(search.signal.reason);
      throw search.signal.reason;
    }
    if ("error" in continuation) {
      this.#end();
      throw continuation.error;
    }
    this.#source = continuation.source;
    this.#given = 0;
    abandonedBodies.unregister(this);
    abandonedBodies.register(this, continuation.source, this);
  }

  async #findContinuation(interrupted: InterruptedBody): Promise<BodyContinuation> {
    try {
      return await this.#onInterruption(interrupted);
    } catch (error) {
      return { error };
    }
  }

  async #discard(): Promise<void> {
    if (this.#state === "over") return;
    this.#end();
    this.#search?.abort(new Error("The body is not wanted"));
    if (this.#source.drain === undefined) this.#source.cancel(new Error("The body is not wanted"));
    else await this.#source.drain();
  }

  #end(): void {
    this.#state = "over";
    abandonedBodies.unregister(this);
  }

  static {
    releaseBodySource = (body) => {
      body.#claim();
      body.#end();
      return body.#source;
    };
    discardBodyStream = (body) => body.#discard();
  }
}
