import type { BodySource } from "./body-source.ts";
import { LiveBody } from "./body-stream.ts";
import { HttpResponse, textOf, type Answer, type Provenance } from "./response.ts";

/** What a streamed response is made of. */
export interface StreamedAnswer extends Omit<Answer, "content"> {
  /** Decoded. */
  readonly body: BodySource;
  /** The whole body, where it was looked at before it is read; `body` gives it all the same. */
  readonly preview?: Uint8Array | undefined;
}

const nothing = new Uint8Array(0);

/**
 * An answer whose head is here and whose body is still coming. `elapsed` is the time to its head.
 *
 * A body that was not read holds its connection until it is read, cancelled or garbage, or the session is closed: read
 * it, or write `await using response = ...`.
 */
export class StreamedResponse extends HttpResponse implements AsyncDisposable {
  /** The body, decoded from its Content-Encoding, to be read once. */
  readonly body: LiveBody;
  readonly #preview: Uint8Array | undefined;
  #call: Provenance | undefined;

  constructor({ body, preview, ...head }: StreamedAnswer) {
    super({ ...head, content: nothing });
    this.#preview = preview;
    this.body = new LiveBody(
      body,
      async (broke) => (await this.#call?.bodyBroke?.(this, broke)) ?? { error: broke.error },
    );
  }

  /** @throws TypeError: a streamed response has none. */
  override get content(): Uint8Array {
    throw new TypeError(
      "A streamed response has no content: read its body, or ask for bytes(), text() or json()",
    );
  }

  override get preview(): Uint8Array | undefined {
    return this.#preview;
  }

  /** Gives the body as a stream of the web platform. */
  readable(): ReadableStream<Uint8Array> {
    return this.body.readable();
  }

  /**
   * Reads the body to its end.
   *
   * @throws what its body throws, if it was not whole or was read already.
   */
  override async bytes(): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    for await (const piece of this.body) pieces.push(piece);
    return pieces[0] !== undefined && pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
  }

  /** Reads the body to its end, as text in the charset that Content-Type names; UTF-8 without one. */
  override async text(): Promise<string> {
    return textOf(await this.bytes(), this.headers.get("content-type"));
  }

  /** Ends the body where it is and drops its connection; nothing happens when it has been read to its end. */
  cancel(reason?: unknown): void {
    this.body.cancel(reason);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.cancel();
    return Promise.resolve();
  }

  override discard(): Promise<void> {
    return this.body.discard();
  }

  override broughtBy(provenance: Provenance): this {
    // Whoever only adds to the story does not take the call's place.
    if (provenance.bodyBroke !== undefined) this.#call = provenance;
    return super.broughtBy(provenance);
  }
}
