import type { Transform } from "node:stream";
import type * as zlib from "node:zlib";
import type { BodySource } from "../../model/body-source.ts";
import { DecodeError, IncompleteBodyError } from "../../errors/transport-errors.ts";
import { errorCode } from "../errors/error-code.ts";
import type { ByteReader } from "./byte-reader.ts";
import { TrailingBytesError, isPadding } from "./codings.ts";

/** Node's decoder, which counts the bytes that it has taken and stops at the end of its coding. */
export type Decoder = Transform & zlib.Zlib;

export interface StreamCoding {
  /** Creates a decoder for a body that starts with these bytes. */
  readonly open: (first: Uint8Array) => Decoder;
  /** Number of bytes that `open` needs. */
  readonly firstBytes: number;
  /**
   * The meaning of bytes after the end: another frame, which Node does not look for itself, an error unless they are padding, or
   * the business of the owner of the reader.
   */
  readonly trailing: "frame" | "error" | "unread";
}

/** The name of a coding, for errors, and the check between slices. */
export interface NamedCoding {
  readonly name: string;
  readonly check: () => void;
}

const noBytes: Uint8Array = new Uint8Array(0);

/** Decodes one coding with one of Node's decoders, which receives the bytes as they are read. */
export class DecodedSource implements BodySource {
  readonly #source: ByteReader;
  readonly #name: string;
  readonly #check: NamedCoding["check"];
  readonly #coding: StreamCoding;
  #decoder: Decoder | undefined;
  /** The last piece given to the decoder. */
  #lastPiece = noBytes;
  /** Bytes given to the current decoder. */
  #given = 0;
  #state: "needs-input" | "decoding" | "ended" = "needs-input";
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(source: ByteReader, { name, check }: NamedCoding, coding: StreamCoding) {
    this.#source = source;
    this.#name = name;
    this.#check = check;
    this.#coding = coding;
  }

  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      // Also between frames without any content.
      this.#check();
      const decoder = this.#decoder ?? (await this.#openFirst());
      const piece: unknown = decoder?.read();
      if (piece instanceof Uint8Array) return piece;
      if (this.#failure !== undefined) throw this.#failure.error;
      if (decoder === undefined || this.#state === "ended") return undefined;
      if (this.#state === "decoding") await new Promise<void>((wake) => (this.#wake = wake));
      else if (decoder.bytesWritten < this.#given) await this.#readTrailingBytes(decoder);
      else this.#feed(decoder, await this.#source.read());
    }
  }

  cancel(reason: unknown): void {
    this.#failure ??= { error: reason };
    this.#decoder?.destroy();
    this.#source.cancel(reason);
    this.#wakeReader();
  }

  async drain(): Promise<void> {
    this.#decoder?.destroy();
    await this.#source.drain();
  }

  /** Opens a decoder for the first bytes. Returns undefined for an empty body, because an empty encoding is valid. */
  async #openFirst(): Promise<Decoder | undefined> {
    if ((await this.#source.peek(this.#coding.firstBytes)).length === 0) return undefined;
    const first = await this.#source.read();
    return first && this.#open(first);
  }

  #open(first: Uint8Array): Decoder {
    const decoder = this.#coding.open(first);
    decoder.on("readable", () => this.#wakeReader());
    // Node also emits "end" when a coding ends before its input.
    decoder.on("end", () => decoder.writableEnded && this.#setState("ended"));
    decoder.on("error", (cause: Error) => this.#fail(cause));
    this.#decoder = decoder;
    this.#given = 0;
    this.#write(decoder, first);
    return decoder;
  }

  #feed(decoder: Decoder, piece: Uint8Array | undefined): void {
    if (piece !== undefined) return this.#write(decoder, piece);
    this.#state = "decoding";
    decoder.end();
  }

  #write(decoder: Decoder, piece: Uint8Array): void {
    this.#state = "decoding";
    this.#lastPiece = piece;
    this.#given += piece.length;
    decoder.write(piece, () => {
      if (decoder === this.#decoder) this.#setState("needs-input");
    });
  }

  /** Handles bytes after the end of the coding. */
  async #readTrailingBytes(decoder: Decoder): Promise<void> {
    const left = this.#given - decoder.bytesWritten;
    decoder.destroy();
    let piece: Uint8Array | undefined = this.#lastPiece.subarray(this.#lastPiece.length - left);
    if (this.#coding.trailing === "frame") return void this.#open(piece);
    if (this.#coding.trailing === "unread") this.#source.unread(piece);
    else
      for (; piece !== undefined; piece = await this.#source.read())
        if (!isPadding(piece)) return this.#fail(new TrailingBytesError());
    this.#setState("ended");
  }

  #setState(state: "needs-input" | "ended"): void {
    this.#state = state;
    this.#wakeReader();
  }

  #fail(cause: Error): void {
    const isIncomplete = errorCode(cause) === "Z_BUF_ERROR";
    const error = isIncomplete
      ? new IncompleteBodyError(this.#source.received, undefined, { cause })
      : new DecodeError(this.#name, { cause });
    this.#failure ??= { error };
    this.#wakeReader();
  }

  #wakeReader(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
