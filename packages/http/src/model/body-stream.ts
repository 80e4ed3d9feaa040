import type { BodySource } from "./body-source.ts";

/** How a body ended before its end. */
export interface BodyBreak {
  readonly error: unknown;
  /** Bytes that were given out of the source that broke off. */
  readonly given: number;
  /** Aborted when nobody waits for more any longer. */
  readonly signal: AbortSignal;
}

/** What follows a break: a source that carries on, or what is thrown. */
export type BodySequel = { readonly source: BodySource } | { readonly error: unknown };

/** Says what follows when a body ends before its end; hooks and records hear of it there. */
export type BodyFailure = (broke: BodyBreak) => Promise<BodySequel>;

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
  #source: BodySource;
  readonly #onFailure: BodyFailure;
  /** Bytes that this source has given. */
  #given = 0;
  /** Ends the search for a source that carries on, while there is one. */
  #search: AbortController | undefined;
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
    this.#search?.abort(reason);
  }

  /**
   * Gives the source to whoever reads it in place of this body, which is over then. The session's own.
   *
   * @throws TypeError when somebody reads it already.
   */
  release(): BodySource {
    this.#claim();
    this.#end();
    return this.#source;
  }

  /** Ends the body where it is; a short rest is read away so that the connection can be used again. The session's own. */
  async discard(): Promise<void> {
    if (this.#state === "over") return;
    this.#end();
    this.#search?.abort(new Error("The body is not wanted"));
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
    const value = await this.#piece();
    if (value !== undefined) return { done: false, value };
    this.#end();
    return { done: true, value: undefined };
  }

  async #piece(): Promise<Uint8Array | undefined> {
    for (;;) {
      try {
        const piece = await this.#source.read();
        this.#given += piece?.length ?? 0;
        return piece;
      } catch (error) {
        await this.#carryOn(error);
      }
    }
  }

  /** Puts a source that carries on in the place of the one that broke off; throws where there is none. */
  async #carryOn(error: unknown): Promise<void> {
    if (this.#cancelled !== undefined) throw this.#cancelled.reason;
    this.#source.cancel(error);
    const search = (this.#search = new AbortController());
    const sequel = await this.#sequelTo({ error, given: this.#given, signal: search.signal });
    this.#search = undefined;
    if (search.signal.aborted) {
      if ("source" in sequel) sequel.source.cancel(search.signal.reason);
      throw search.signal.reason;
    }
    if ("error" in sequel) {
      this.#end();
      throw sequel.error;
    }
    this.#source = sequel.source;
    this.#given = 0;
    abandoned.unregister(this);
    abandoned.register(this, sequel.source, this);
  }

  async #sequelTo(broke: BodyBreak): Promise<BodySequel> {
    try {
      return await this.#onFailure(broke);
    } catch (error) {
      return { error };
    }
  }

  #end(): void {
    this.#state = "over";
    abandoned.unregister(this);
  }
}
