import { MalformedResponse } from "./errors.ts";
import { forbiddenInLines } from "./head.ts";

const [tab, lineFeed, carriageReturn, space, semicolon] = [9, 10, 13, 32, 59];

// Nobody needs more of either; without a bound an answer could be all extensions and no body.
const maxExtensionBytes = 16 * 1024;
const maxTrailerBytes = 16 * 1024;
const maxLeadingZeros = 16 * 1024;
// Sixteen digits are 64 bits.
const maxDigits = 16;

/** What the next byte belongs to. */
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

/** A body in chunks (RFC 9112 §7.1), read as it comes. Its lines end in CRLF and nothing else. */
export class ChunkedBody {
  #part: ChunkPart = "size";
  #zeros = 0;
  /** Behind the leading zeros, of which RFC 9112 §7.1 allows any number. */
  #digits = 0;
  /** What is left of the chunk. */
  #left = 0;
  #extensionBytes = 0;
  #trailers = "";
  /** Bytes of the trailer's line so far, its CR left out. */
  #lineBytes = 0;

  /** Whether the last chunk and its trailers have come. */
  get done(): boolean {
    return this.#part === "done";
  }

  /**
   * Reads what is not the body itself, from `start` up to `stop`, and gives the place that it came to: the next piece of
   * the body, the end, or `stop`.
   *
   * @throws MalformedAnswer.
   */
  readLines(bytes: Buffer, start: number, stop: number): number {
    let at = start;
    while (at < stop && this.#part !== "data" && this.#part !== "done") {
      this.#take(bytes[at] ?? 0);
      at += 1;
    }
    return at;
  }

  /** How many of the next `available` bytes belong to the body; they count as read. */
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
        // Not lines; `readLines` stops at them.
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
      return ensure(this.#zeros <= maxLeadingZeros, "more than 16 KiB of zeros before a chunk size");
    }
    this.#digits += 1;
    ensure(this.#digits <= maxDigits, "a chunk size beyond 64 bits");
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
    ensure(byte >= space || byte === tab, "a control character in a chunk extension");
    this.#extensionBytes += 1;
    ensure(this.#extensionBytes <= maxExtensionBytes, "more than 16 KiB of chunk extensions");
  }

  #begin(byte: number): void {
    ensure(byte === lineFeed, "a chunk size that CRLF does not end");
    this.#zeros = 0;
    this.#digits = 0;
    this.#part = this.#left === 0 ? "trailers" : "data";
  }

  #takeTrailer(byte: number): void {
    ensure(this.#trailers.length < maxTrailerBytes, "more than 16 KiB of trailers");
    this.#trailers += String.fromCharCode(byte);
    if (byte === carriageReturn) return;
    this.#lineBytes += 1;
    if (byte !== lineFeed) return;
    if (this.#lineBytes === 1) this.#end();
    this.#lineBytes = 0;
  }

  /** Nobody reads trailers; that they are fields is part of the answer being one. */
  #end(): void {
    ensure(!bareLineFeed.test(this.#trailers), "a line in its trailers that CRLF does not end");
    ensure(!forbiddenInLines.test(this.#trailers), "a control character in its trailers");
    ensure(trailerLines.test(this.#trailers), "a line in its trailers that is no field");
    this.#part = "done";
  }
}

const invalidSize = "a chunk size that is no number";
const chunkTooLong = "a chunk that is longer than its size";
const chunkNotEnded = "a chunk that CRLF does not end";

const bareLineFeed = /(?<!\r)\n/;
// Fields, folded ones too (RFC 9112 §5.2), up to an empty line.
const trailerLines = /^(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\r]*\r\n(?:[\t ][^\r]*\r\n)*)*\r\n$/;

function ensure(holds: boolean, complaint: string): void {
  if (!holds) throw new MalformedResponse(complaint);
}

function hexDigit(byte: number): number | undefined {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  // The two cases of a letter differ in one bit.
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : undefined;
}
