import type { Transform } from "node:stream";
import * as zlib from "node:zlib";
import type { BodySource } from "../../model/body-source.ts";
import { BodyTooLargeError, DecodeError, IncompleteBodyError } from "../../errors/transport-errors.ts";
import { TrailingBytesError, isPadding, isZlib } from "./codings.ts";
import { parseContentEncoding } from "./decode.ts";
import { errorCode } from "../errors/error-code.ts";

/**
 * Decodes a body piece by piece by its Content-Encoding (RFC 9110 §8.4). Like `decode`, it requires each coding's own end. A small
 * body that expands does not fill the memory: it is decoded as it is read, up to `maxBytes`.
 *
 * A `read` of the result throws IncompleteBodyError, DecodeError, BodyTooLargeError, or the source's error.
 *
 * @throws DecodeError for more than five codings.
 */
export function decodeStream(
  source: BodySource,
  contentEncoding: string | undefined,
  maxBytes: number,
): BodySource {
  let decoded = source;
  for (const name of parseContentEncoding(contentEncoding).toReversed()) {
    const coding = streamCodings[name];
    if (coding === undefined) break;
    decoded = new DecodedSource(decoded, name, coding);
  }
  return decoded === source ? source : limitDecodedBytes(decoded, maxBytes);
}

/** Node's decoder, which counts the bytes that it has taken and stops at the end of its coding. */
type Decoder = Transform & zlib.Zlib;

interface StreamCoding {
  /** Creates a decoder for a body that starts with these bytes. */
  readonly open: (first: Uint8Array) => Decoder;
  /** Number of bytes that `open` needs. */
  readonly firstBytes: number;
  /** Whether another frame may follow the end, which Node does not look for itself. */
  readonly repeats: boolean;
}

const options = { chunkSize: 64 * 1024 };
const gzip: StreamCoding = { open: () => zlib.createGunzip(options), firstBytes: 1, repeats: false };

const streamCodings: Readonly<Record<string, StreamCoding>> = {
  gzip: gzip,
  "x-gzip": gzip,
  deflate: {
    open: (first) => (isZlib(first) ? zlib.createInflate(options) : zlib.createInflateRaw(options)),
    firstBytes: 2,
    repeats: false,
  },
  br: { open: () => zlib.createBrotliDecompress(options), firstBytes: 1, repeats: false },
  // RFC 8878 §3.1: a body may consist of several frames.
  zstd: { open: () => zlib.createZstdDecompress(options), firstBytes: 1, repeats: true },
};

const noBytes: Uint8Array = new Uint8Array(0);

class DecodedSource implements BodySource {
  readonly #source: BodySource;
  readonly #name: string;
  readonly #coding: StreamCoding;
  #decoder: Decoder | undefined;
  /** The last piece given to the decoder. */
  #lastPiece = noBytes;
  /** Bytes given to the current decoder. */
  #given = 0;
  /** Bytes received for all decoders. */
  #received = 0;
  #state: "needs-input" | "decoding" | "ended" = "needs-input";
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(source: BodySource, name: string, coding: StreamCoding) {
    this.#source = source;
    this.#name = name;
    this.#coding = coding;
  }

  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
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
    await (this.#source.drain?.() ?? this.#source.cancel(undefined));
  }

  /** Opens a decoder for the first bytes. Returns undefined for an empty body, whose encoding may be empty too. */
  async #openFirst(): Promise<Decoder | undefined> {
    let first = noBytes;
    while (first.length < this.#coding.firstBytes) {
      const piece = await this.#source.read();
      if (piece === undefined) break;
      first = first.length === 0 ? piece : Buffer.concat([first, piece]);
    }
    if (first.length === 0) return undefined;
    this.#received = first.length;
    return this.#open(first);
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
    if (piece !== undefined) {
      this.#received += piece.length;
      return this.#write(decoder, piece);
    }
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

  /** Handles bytes after the end of the coding: another frame, or padding up to the end of the body. */
  async #readTrailingBytes(decoder: Decoder): Promise<void> {
    const left = this.#given - decoder.bytesWritten;
    decoder.destroy();
    let piece: Uint8Array | undefined = this.#lastPiece.subarray(this.#lastPiece.length - left);
    if (this.#coding.repeats) return void this.#open(piece);
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
      ? new IncompleteBodyError(this.#received, undefined, { cause })
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

function limitDecodedBytes(source: BodySource, maxBytes: number): BodySource {
  let given = 0;
  return {
    read: async () => {
      const piece = await source.read();
      given += piece?.length ?? 0;
      if (given > maxBytes) throw new BodyTooLargeError(maxBytes);
      return piece;
    },
    cancel: (reason) => source.cancel(reason),
    drain: async () => source.drain?.(),
  };
}
