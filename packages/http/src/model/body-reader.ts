import type { ReadableStreamAsyncIterator } from "node:stream/web";
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

/** Reads the chunks of a body from its source, and from the sources that continue it. */
export class BodyReader {
  #source: BodySource;
  readonly #onInterruption: OnInterruption;
  /** Bytes read from the current source. */
  #given = 0;
  /** Ends the search for a source that continues the body, while there is one. */
  #search: AbortController | undefined;
  #state: "unread" | "reading" | "over" = "unread";
  #cancelled: { readonly reason: unknown } | undefined;
  #lastRead: Promise<unknown> = Promise.resolve();
  #isClaimed = false;
  readonly #mayBeAbandoned: boolean;
  #stream: ReadableStream | undefined;

  /** `mayBeAbandoned` is false for a body that is sure to be read or cancelled: watching it would cost a microsecond. */
  constructor(source: BodySource, onInterruption: OnInterruption, mayBeAbandoned = true) {
    this.#source = source;
    this.#onInterruption = onInterruption;
    this.#mayBeAbandoned = mayBeAbandoned;
    this.#watch();
  }

  /** Reads from another source that begins with what the current one has. */
  replaceSource<T extends BodySource>(replace: (source: BodySource) => T): T {
    const replaced = replace(this.#source);
    this.#source = replaced;
    return replaced;
  }

  #watch(): void {
    if (this.#mayBeAbandoned) abandonedBodies.register(this, this.#source, this);
  }

  /**
   * Takes the body for the caller alone, at its first byte or where another reader stopped.
   *
   * @throws TypeError if another reader has it, or the body is over.
   */
  claim(from: "start" | "here" = "start"): this {
    const isTaken = this.#isClaimed || this.#stream?.locked === true;
    if (isTaken || this.#state === "over" || (from === "start" && this.#state === "reading"))
      throw new TypeError("The body of a streamed response can be read once, and was already read");
    this.#isClaimed = true;
    this.#stream?.getReader();
    return this;
  }

  /** Keeps the readers of a web stream of this body out while the body is claimed. */
  share(stream: ReadableStream): void {
    this.#stream = stream;
    if (this.#isClaimed) stream.getReader();
  }

  /** The chunks go from the source to the loop, without the queue and the requests of a web stream. */
  values(): ReadableStreamAsyncIterator<Uint8Array> {
    const leave = (): Promise<IteratorResult<Uint8Array, undefined>> => {
      this.#leave();
      return Promise.resolve({ done: true, value: undefined });
    };
    const iterator: ReadableStreamAsyncIterator<Uint8Array> = {
      next: () => this.next(),
      return: leave,
      [Symbol.asyncIterator]: () => iterator,
      [Symbol.asyncDispose]: async () => void (await leave()),
    };
    return iterator;
  }

  /** Reads the next chunk. Reads are queued, since a source serves one at a time. */
  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#state === "unread") this.#state = "reading";
    const read = this.#lastRead.then(() => this.#read());
    this.#lastRead = read.catch(() => undefined);
    return read;
  }

  /** Returns the next bytes if they have arrived, null after the last, and undefined if only `next` can tell. */
  takeArrived(): Uint8Array | null | undefined {
    if (this.#state === "over") return undefined;
    this.#state = "reading";
    const piece = this.#source.takeArrived?.();
    if (piece === null) this.#end();
    else this.#given += piece?.length ?? 0;
    return piece;
  }

  /** Stops reading the body and closes its connection. Reads under way and later ones throw `reason`. */
  cancel(reason: unknown = new DOMException("The body was cancelled", "AbortError")): void {
    if (this.#state === "over") return;
    this.#cancelled = { reason };
    this.#end();
    this.#source.cancel(reason);
    this.#search?.abort(reason);
  }

  /** Takes the source for another reader. The body is over for this one. */
  release(): BodySource {
    this.claim();
    this.#end();
    return this.#source;
  }

  /** Stops reading the body. A short remainder is read and dropped, so that the connection can be used again. */
  async discard(): Promise<void> {
    if (this.#state === "over") return;
    this.#end();
    this.#search?.abort(new Error("The body is not wanted"));
    if (this.#source.drain === undefined) this.#source.cancel(new Error("The body is not wanted"));
    else await this.#source.drain();
  }

  /** Cancels without an error: later reads report the end of the body. */
  #leave(): void {
    this.cancel();
    this.#cancelled = undefined;
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
    this.#watch();
  }

  async #findContinuation(interrupted: InterruptedBody): Promise<BodyContinuation> {
    try {
      return await this.#onInterruption(interrupted);
    } catch (error) {
      return { error };
    }
  }

  #end(): void {
    this.#state = "over";
    if (this.#mayBeAbandoned) abandonedBodies.unregister(this);
  }
}
