import { MalformedResponse } from "../errors/malformed-response.ts";
import { forbiddenInLines } from "../wire/head.ts";

const [tab, lineFeed, carriageReturn, space, semicolon] = [9, 10, 13, 32, 59];

// No server needs longer extensions of one chunk.
const maxExtensionBytes = 16 * 1024;
// Each chunk may have this many bytes of extensions, and twice as many as its data has. The bytes beyond are summed up:
// without that bound a response could consist of extensions alone. Go's net/http uses the same rule.
const freeExtensionBytes = 16;
const maxExcessBytes = 16 * 1024;
const maxTrailerBytes = 16 * 1024;
const maxLeadingZeros = 16 * 1024;
// Sixteen digits are 64 bits.
const maxDigits = 16;

/** The part of the encoding that the next byte belongs to. */
type ChunkPart =
  | "size"
  | "padding"
  | "extension"
  | "size-end"
  | "data"
  | "data-cr"
  | "data-lf"
  | "trailers"
  | "done";

/** Decodes a chunked body (RFC 9112 §7.1) as its bytes arrive. Lines must end with CRLF. */
export class ChunkedBody {
  #part: ChunkPart = "size";
  #zeros = 0;
  /** Digits after the leading zeros. RFC 9112 §7.1 allows any number of leading zeros. */
  #digits = 0;
  /** Bytes left of the chunk. */
  #left = 0;
  /** Extensions of the current chunk, with the blanks before them. */
  #extensions = "";
  #excessBytes = 0;
  #trailers = "";
  /** Bytes of the current trailer line, without its CR. */
  #lineBytes = 0;

  /**
   * Whether everything so far keeps to the grammar. Padded sizes, malformed extensions, and trailers that are folded or would
   * frame a body are accepted, but are slips.
   */
  isClean = true;

  /** Whether the last chunk and the trailers have arrived. */
  get done(): boolean {
    return this.#part === "done";
  }

  /**
   * Reads the bytes between the pieces of the body, from `start` to `stop`. Returns the position where it stopped: the next
   * piece of the body, the end of the encoding, or `stop`.
   *
   * @throws MalformedResponse.
   */
  readLines(bytes: Buffer, start: number, stop: number): number {
    let at = start;
    while (at < stop && this.#part !== "data" && this.#part !== "done") {
      this.#take(bytes[at] ?? 0);
      at += 1;
    }
    return at;
  }

  /** Returns how many of the next `available` bytes belong to the body, and counts them as read. */
  readData(available: number): number {
    if (this.#part !== "data") return 0;
    const taken = Math.min(this.#left, available);
    this.#left -= taken;
    if (this.#left === 0) this.#part = "data-cr";
    return taken;
  }

  #take(byte: number): void {
    switch (this.#part) {
      case "size":
        return this.#takeSize(byte);
      case "padding":
      case "extension":
        return this.#takeExtension(byte);
      case "size-end":
        return this.#begin(byte);
      case "data-cr":
        this.#part = "data-lf";
        return ensure(byte === carriageReturn, byte === lineFeed ? chunkNotEnded : chunkTooLong);
      case "data-lf":
        this.#part = "size";
        return ensure(byte === lineFeed, chunkNotEnded);
      case "trailers":
        return this.#takeTrailer(byte);
      case "data":
      case "done":
        // `readLines` stops before these parts.
        return;
    }
  }

  #takeSize(byte: number): void {
    const digit = hexDigit(byte);
    if (digit === undefined) {
      ensure(this.#zeros + this.#digits > 0, invalidSize);
      this.#part = "padding";
      return this.#takeExtension(byte);
    }
    if (digit === 0 && this.#digits === 0) {
      this.#zeros += 1;
      return ensure(this.#zeros <= maxLeadingZeros, "a chunk size has more than 16 KiB of leading zeros");
    }
    this.#digits += 1;
    ensure(this.#digits <= maxDigits, "a chunk size has more than 64 bits");
    this.#left = this.#left * 16 + digit;
  }

  #takeExtension(byte: number): void {
    if (byte === carriageReturn) {
      this.#part = "size-end";
      return;
    }
    if (this.#part === "padding") {
      ensure(byte === space || byte === tab || byte === semicolon, invalidSize);
      if (byte === semicolon) this.#part = "extension";
    }
    ensure(byte >= space || byte === tab, "a chunk extension contains a control character");
    this.#extensions += String.fromCharCode(byte);
    ensure(this.#extensions.length <= maxExtensionBytes, "the extensions of a chunk are larger than 16 KiB");
  }

  #endExtensions(): void {
    if (this.#extensions === "") return;
    if (!extensionList.test(this.#extensions)) this.isClean = false;
    // Blanks alone are the padding of a size, which some servers write before every chunk.
    if (this.#extensions.includes(";")) {
      const excess = this.#extensions.length - freeExtensionBytes - 2 * this.#left;
      this.#excessBytes = Math.max(0, this.#excessBytes + excess);
    }
    this.#extensions = "";
    ensure(this.#excessBytes <= maxExcessBytes, "the chunk extensions exceed their data by 16 KiB");
  }

  #begin(byte: number): void {
    ensure(byte === lineFeed, "a chunk size does not end with CRLF");
    this.#endExtensions();
    this.#zeros = 0;
    this.#digits = 0;
    this.#part = this.#left === 0 ? "trailers" : "data";
  }

  #takeTrailer(byte: number): void {
    ensure(this.#trailers.length < maxTrailerBytes, "the trailers are larger than 16 KiB");
    this.#trailers += String.fromCharCode(byte);
    if (byte === carriageReturn) return;
    this.#lineBytes += 1;
    if (byte !== lineFeed) return;
    if (this.#lineBytes === 1) this.#end();
    this.#lineBytes = 0;
  }

  /**
   * Validates the trailers, which are then dropped. Malformed trailers are never accepted: they may be data behind a size that
   * was damaged to 0.
   */
  #end(): void {
    ensure(!bareLineFeed.test(this.#trailers), "a line of the trailers does not end with CRLF");
    ensure(!forbiddenInLines.test(this.#trailers), "the trailers contain a control character");
    ensure(trailerLines.test(this.#trailers), "a line of the trailers is not a header field");
    if (foldedOrFraming.test(this.#trailers)) this.isClean = false;
    this.#part = "done";
  }
}

const invalidSize = "a chunk size is not a hexadecimal number";
const chunkTooLong = "a chunk is longer than its size";
const chunkNotEnded = "a chunk does not end with CRLF";

// RFC 9112 §7.1.1.
const extensionList =
  /^(?:[\t ]*;[\t ]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:[\t ]*=[\t ]*(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"(?:[^"\\]|\\.)*"))?)+$/;

const bareLineFeed = /(?<!\r)\n/;
const foldedOrFraming = /^(?:[\t ]|content-length:|transfer-encoding:)/im;
// Header fields, also folded ones (RFC 9112 §5.2), up to an empty line.
const trailerLines = /^(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\r]*\r\n(?:[\t ][^\r]*\r\n)*)*\r\n$/;

function ensure(holds: boolean, complaint: string): void {
  if (!holds) throw new MalformedResponse(complaint);
}

function hexDigit(byte: number): number | undefined {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  // Upper and lower case differ in one bit.
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : undefined;
}
