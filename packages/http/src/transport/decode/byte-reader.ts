import type { BodySource } from "../../model/body-source.ts";
import { addPiece } from "../../support/pieces.ts";
import { IncompleteBodyError } from "../../errors/transport-errors.ts";

const noBytes: Uint8Array = new Uint8Array(0);

/** Reads a body in pieces or byte by byte. Bytes that were read too early can be given back. */
export class ByteReader implements BodySource {
  readonly #source: BodySource;
  #held = noBytes;
  #received = 0;

  constructor(source: BodySource) {
    this.#source = source;
  }

  /** Bytes received from the source so far. */
  get received(): number {
    return this.#received;
  }

  async read(): Promise<Uint8Array | undefined> {
    if (this.#held.length === 0) return this.#receive();
    const piece = this.#held;
    this.#held = noBytes;
    return piece;
  }

  /** Gives back bytes of the latest piece, which are read again. */
  unread(bytes: Uint8Array): void {
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([bytes, this.#held]);
  }

  /** Returns at least `count` of the next bytes without reading them; fewer at the end of the body. */
  async peek(count: number): Promise<Uint8Array> {
    if (this.#held.length >= count) return this.#held;
    const pieces = this.#held.length === 0 ? [] : [this.#held];
    let length = this.#held.length;
    while (length < count) {
      const piece = await this.#receive();
      if (piece === undefined) break;
      addPiece(pieces, piece);
      length += piece.length;
    }
    this.#held = pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
    return this.#held;
  }

  /** Reads exactly `count` bytes. @throws IncompleteBodyError */
  async take(count: number): Promise<Buffer> {
    const held = await this.peek(count);
    if (held.length < count) throw new IncompleteBodyError(this.#received, undefined);
    this.#held = held.subarray(count);
    return Buffer.from(held.buffer, held.byteOffset, count);
  }

  cancel(reason: unknown): void {
    this.#source.cancel(reason);
  }

  async drain(): Promise<void> {
    await (this.#source.drain?.() ?? this.#source.cancel(undefined));
  }

  async #receive(): Promise<Uint8Array | undefined> {
    const piece = await this.#source.read();
    this.#received += piece?.length ?? 0;
    return piece;
  }
}
