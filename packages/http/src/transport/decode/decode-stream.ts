import type { Transform } from "node:stream";
import * as zlib from "node:zlib";
import type { BodySource } from "../../model/body-source.ts";
import { BodyTooLargeError, DecodeError, IncompleteBodyError } from "../../errors/transport-errors.ts";
import { TrailingBytesError, isPadding, isZlib } from "./codings.ts";
import { parseContentEncoding } from "./decode.ts";
import { errorCode } from "../errors/error-code.ts";

/**
 * Undoes a Content-Encoding piece by piece (RFC 9110 §8.4), and requires each coding's own end, as `decode` does for
 * whole bodies. A few bytes that grow to many fill no memory: they are decoded as they are read, up to `maxBytes`.
 *
 * What it gives throws IncompleteBodyError, DecodeError, BodyTooLargeError, or what the source throws.
 *
 * @throws DecodeError for too long a chain of codings.
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

/** A decoder as Node makes it: it counts the bytes that it took, and stops at the end of its coding. */
type Decoder = Transform & zlib.Zlib;

interface StreamCoding {
  /** Makes a decoder for what begins with these bytes. */
  readonly open: (first: Uint8Array) => Decoder;
  /** How many bytes must be known for that. */
  readonly firstBytes: number;
  /** Whether more of the same may follow the end, and Node does not look for it itself. */
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
  // RFC 8878 §3.1: a body may be several frames one after the other.
  zstd: { open: () => zlib.createZstdDecompress(options), firstBytes: 1, repeats: true },
};

const noBytes: Uint8Array = new Uint8Array(0);

class DecodedSource implements BodySource {
  readonly #source: BodySource;
  readonly #name: string;
  readonly #coding: StreamCoding;
  #decoder: Decoder | undefined;
  /** What the decoder was given last. */
  #piece = noBytes;
  /** Bytes that the decoder was given. */
  #given = 0;
  /** Bytes that came, for all decoders. */
  #received = 0;
  #state: "hungry" | "busy" | "over" = "hungry";
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(source: BodySource, name: string, coding: StreamCoding) {
    this.#source = source;
    this.#name = name;
    this.#coding = coding;
  }

  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const decoder = this.#decoder ?? (await this.#begin());
      const piece: unknown = decoder?.read();
      if (piece instanceof Uint8Array) return piece;
      if (this.#failure !== undefined) throw this.#failure.error;
      if (decoder === undefined || this.#state === "over") return undefined;
      if (this.#state === "busy") await new Promise<void>((wake) => (this.#wake = wake));
      else if (decoder.bytesWritten < this.#given) await this.#goBeyond(decoder);
      else this.#feed(decoder, await this.#source.read());
    }
  }

  cancel(reason: unknown): void {
    this.#failure ??= { error: reason };
    this.#decoder?.destroy();
    this.#source.cancel(reason);
    this.#stir();
  }

  async drain(): Promise<void> {
    this.#decoder?.destroy();
    await (this.#source.drain?.() ?? this.#source.cancel(undefined));
  }

  /** Opens a decoder for the first bytes; undefined when there are none: the coding of nothing may be nothing. */
  async #begin(): Promise<Decoder | undefined> {
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
    decoder.on("readable", () => this.#stir());
    // Node also says so when a coding ends before its input does.
    decoder.on("end", () => decoder.writableEnded && this.#enter("over"));
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
    this.#state = "busy";
    decoder.end();
  }

  #write(decoder: Decoder, piece: Uint8Array): void {
    this.#state = "busy";
    this.#piece = piece;
    this.#given += piece.length;
    decoder.write(piece, () => {
      if (decoder === this.#decoder) this.#enter("hungry");
    });
  }

  /** The coding has ended before the bytes have: more of it follows, or padding; the framing has to end all the same. */
  async #goBeyond(decoder: Decoder): Promise<void> {
    const left = this.#given - decoder.bytesWritten;
    decoder.destroy();
    let piece: Uint8Array | undefined = this.#piece.subarray(this.#piece.length - left);
    if (this.#coding.repeats) return void this.#open(piece);
    for (; piece !== undefined; piece = await this.#source.read())
      if (!isPadding(piece)) return this.#fail(new TrailingBytesError());
    this.#enter("over");
  }

  #enter(state: "hungry" | "over"): void {
    this.#state = state;
    this.#stir();
  }

  #fail(cause: Error): void {
    const cut = errorCode(cause) === "Z_BUF_ERROR";
    const error = cut
      ? new IncompleteBodyError(this.#received, undefined, { cause })
      : new DecodeError(this.#name, { cause });
    this.#failure ??= { error };
    this.#stir();
  }

  #stir(): void {
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
