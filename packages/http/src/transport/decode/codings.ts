import { promisify } from "node:util";
import * as zlib from "node:zlib";

/** A content coding (RFC 9110 §8.4.1), undone at once or on another thread. Each requires its own end. */
export interface Coding {
  readonly decodeSync: (bytes: Uint8Array, options: OutputLimit) => Buffer;
  readonly decodeAsync: (bytes: Uint8Array, options: OutputLimit) => Promise<Buffer>;
}

/** The most that decoding may give: Node throws ERR_BUFFER_TOO_LARGE beyond. */
export interface OutputLimit {
  readonly maxOutputLength: number;
}

/** The codings that are understood, for Accept-Encoding. */
export const acceptEncoding = "gzip, deflate, br, zstd";

const gzip = checkedCoding(zlib.gunzipSync, promisify(zlib.gunzip));
const zlibWrapped = checkedCoding(zlib.inflateSync, promisify(zlib.inflate));
const rawDeflate = checkedCoding(zlib.inflateRawSync, promisify(zlib.inflateRaw));
const brotli = checkedCoding(zlib.brotliDecompressSync, promisify(zlib.brotliDecompress));
const zstd: Coding = { decodeSync: decodeZstdSync, decodeAsync: decodeZstd };

/** Makes a coding of Node's functions, which say nothing of what follows its end. */
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

/** Behind the end of a coding came what is neither padding nor more of the same. */
export class TrailingBytesError extends Error {
  constructor() {
    super("There are bytes behind the end");
  }
}

/** Whether bytes behind the end of a coding mean nothing: zeros, which some servers fill up with, as gzip(1) does. */
export function isPadding(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

/** Finds the coding by its name and, where the name is ambiguous, by the first bytes of the body. */
export function findCoding(name: string, body: Buffer): Coding | undefined {
  switch (name) {
    case "gzip":
    case "x-gzip":
      return gzip;
    case "deflate":
      // RFC 9110 §8.4.1.2 asks for the zlib format; many servers send the raw one.
      return isZlib(body) ? zlibWrapped : rawDeflate;
    case "br":
      return brotli;
    case "zstd":
      return zstd;
    default:
      return undefined;
  }
}

/** Whether the bytes begin as RFC 1950 §2.2 says: the method is 8, and the first two are a multiple of 31. */
export function isZlib([method = 0, flags = 0]: Uint8Array): boolean {
  return (method & 0x0f) === 8 && (method * 256 + flags) % 31 === 0;
}

/*
 * RFC 8878 §3.1: a body may be several frames one after the other. Node stops after the first and says nothing, so its
 * `info` is asked how far it came.
 */
function decodeZstdSync(bytes: Uint8Array, { maxOutputLength }: OutputLimit): Buffer {
  const frames = new ZstdFrames(bytes, maxOutputLength);
  while (frames.more) frames.add(zlib.zstdDecompressSync(frames.rest, { ...frames.options, info: true }));
  return frames.whole();
}

const decompressZstdFrame = promisify(zlib.zstdDecompress);

async function decodeZstd(bytes: Uint8Array, { maxOutputLength }: OutputLimit): Promise<Buffer> {
  const frames = new ZstdFrames(bytes, maxOutputLength);
  while (frames.more) frames.add(await decompressZstdFrame(frames.rest, { ...frames.options, info: true }));
  return frames.whole();
}

class ZstdFrames {
  readonly #parts: Buffer[] = [];
  #room: number;
  rest: Uint8Array;

  constructor(bytes: Uint8Array, maxOutputLength: number) {
    this.rest = bytes;
    this.#room = maxOutputLength;
  }

  get more(): boolean {
    return this.rest.length > 0;
  }

  get options(): OutputLimit {
    // Zero would mean no limit.
    return { maxOutputLength: Math.max(1, this.#room) };
  }

  /** Takes note of what `info` says of one frame. */
  add(part: unknown): void {
    const { buffer, engine } = toDecodedPart(part);
    this.#parts.push(buffer);
    this.#room -= buffer.length;
    this.rest = this.rest.subarray(engine.bytesWritten);
  }

  whole(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

interface DecodedPart {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

// The types of Node do not know what `info` does.
function toDecodedPart(part: unknown): DecodedPart {
  if (isDecodedPart(part) && part.engine.bytesWritten > 0) return part;
  throw new TypeError("zlib did not say how much it decoded");
}

function isDecodedPart(part: unknown): part is DecodedPart {
  return typeof part === "object" && part !== null && "engine" in part && "buffer" in part;
}
