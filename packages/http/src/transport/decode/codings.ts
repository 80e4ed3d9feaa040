import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { DecodeError } from "../../errors/transport-errors.ts";

/** A content coding (RFC 9110 §8.4.1), decoded on this thread or on another one. Each requires its own end marker. */
export interface Coding {
  readonly decodeSync: (bytes: Uint8Array, options: OutputLimit) => Buffer;
  readonly decodeAsync: (bytes: Uint8Array, options: OutputLimit) => Promise<Buffer>;
}

/** The maximum of decoded bytes. Node throws ERR_BUFFER_TOO_LARGE above it. */
export interface OutputLimit {
  readonly maxOutputLength: number;
}

/** The supported codings, as the value of Accept-Encoding. */
export const acceptEncoding = "gzip, deflate, br, zstd";

// Node decodes all members of gzip. It stops at a zero byte after them, and refuses any other byte.
const gzip: Coding = {
  decodeSync: (bytes, limit) => zlib.gunzipSync(bytes, limit),
  decodeAsync: promisify<Uint8Array, OutputLimit, Buffer>(zlib.gunzip),
};
const zlibWrapped = checkedCoding(zlib.inflateSync, promisify(zlib.inflate));
const rawDeflate = checkedCoding(zlib.inflateRawSync, promisify(zlib.inflateRaw));
const brotli = checkedCoding(zlib.brotliDecompressSync, promisify(zlib.brotliDecompress));
const zstd: Coding = { decodeSync: decodeZstdSync, decodeAsync: decodeZstd };

/** Creates a coding from Node's functions, which ignore bytes after the end. */
function checkedCoding(
  now: (bytes: Uint8Array, options: zlib.ZlibOptions) => unknown,
  soon: (bytes: Uint8Array, options: zlib.ZlibOptions) => Promise<unknown>,
): Coding {
  return {
    decodeSync: (bytes, limit) => requireWholeInput(bytes, now(bytes, { ...limit, info: true })),
    decodeAsync: async (bytes, limit) =>
      requireWholeInput(bytes, await soon(bytes, { ...limit, info: true })),
  };
}

function requireWholeInput(bytes: Uint8Array, decoded: unknown): Buffer {
  const { buffer, engine } = toDecodedPart(decoded);
  if (!isPadding(bytes.subarray(engine.bytesWritten))) throw new TrailingBytesError();
  return buffer;
}

/** The encoded body continues after its end with bytes that are neither padding nor another frame. */
export class TrailingBytesError extends Error {
  constructor() {
    super("There are bytes after the end of the encoded body");
  }
}

/** Returns whether bytes after the end of a coding are padding: zeros, which some servers and gzip(1) add. */
export function isPadding(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

/** Returns the coding of a name, or undefined for an unknown one. The first bytes of the body decide an ambiguous name. */
export function findCoding(name: string, body: Buffer): Coding | undefined {
  switch (name) {
    case "gzip":
    case "x-gzip":
      return gzip;
    case "deflate":
      // RFC 9110 §8.4.1.2 requires the zlib format. Many servers send raw deflate.
      return isZlib(body) ? zlibWrapped : rawDeflate;
    case "br":
      return brotli;
    case "zstd":
      return zstd;
    default:
      return undefined;
  }
}

/** Returns whether bytes start with a zlib header (RFC 1950 §2.2): the method is 8, and the first two bytes are a multiple of 31. */
export function isZlib([method = 0, flags = 0]: Uint8Array): boolean {
  return (method & 0x0f) === 8 && (method * 256 + flags) % 31 === 0;
}

/*
 * RFC 8878 §3.1: a body may consist of several frames. Node stops after the first one without an error, and its `info` contains
 * the number of bytes read.
 */
function decodeZstdSync(bytes: Uint8Array, { maxOutputLength }: OutputLimit): Buffer {
  const frames = new ZstdFrames(bytes, maxOutputLength);
  while (frames.more) frames.add(zlib.zstdDecompressSync(frames.rest, { ...frames.options, info: true }));
  return frames.join();
}

const decompressZstdFrame = promisify(zlib.zstdDecompress);

async function decodeZstd(bytes: Uint8Array, { maxOutputLength }: OutputLimit): Promise<Buffer> {
  const frames = new ZstdFrames(bytes, maxOutputLength);
  while (frames.more) frames.add(await decompressZstdFrame(frames.rest, { ...frames.options, info: true }));
  return frames.join();
}

class ZstdFrames {
  readonly #parts: Buffer[] = [];
  #bytesLeft: number;
  rest: Uint8Array;

  constructor(bytes: Uint8Array, maxOutputLength: number) {
    this.rest = bytes;
    this.#bytesLeft = maxOutputLength;
  }

  get more(): boolean {
    return this.rest.length > 0;
  }

  get options(): OutputLimit {
    // Node treats zero as no limit.
    return { maxOutputLength: Math.max(1, this.#bytesLeft) };
  }

  /** Adds the result for one frame. */
  add(part: unknown): void {
    const { buffer, engine } = toDecodedPart(part);
    this.#parts.push(buffer);
    this.#bytesLeft -= buffer.length;
    this.rest = this.rest.subarray(engine.bytesWritten);
  }

  join(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

interface DecodedPart {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

// The types of Node do not include the result of `info`.
function toDecodedPart(part: unknown): DecodedPart {
  if (isDecodedPart(part) && part.engine.bytesWritten > 0) return part;
  throw new TypeError("zlib did not report the number of bytes that it decoded");
}

function isDecodedPart(part: unknown): part is DecodedPart {
  return typeof part === "object" && part !== null && "engine" in part && "buffer" in part;
}

// Servers use one coding, rarely two.
const maxCodings = 5;

/**
 * Returns the codings of a Content-Encoding in the order in which they were applied.
 *
 * @throws DecodeError for more than five codings (CVE-2022-32206: a long chain turns a small body into endless work).
 */
export function parseContentEncoding(contentEncoding: string | undefined): readonly string[] {
  if (contentEncoding === undefined) return [];
  const names = contentEncoding
    .toLowerCase()
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "" && name !== "identity");
  if (names.length > maxCodings) throw new DecodeError(names.join(", "));
  return names;
}
