import { promisify } from "node:util";
import type * as zlib from "node:zlib";
import { DecodeError } from "../../errors/transport-errors.ts";
import { loadZlib } from "../../support/builtins.ts";

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
  decodeSync: (bytes, limit) => loadZlib().gunzipSync(bytes, limit),
  decodeAsync: (bytes, limit) => promisify<Uint8Array, OutputLimit, Buffer>(loadZlib().gunzip)(bytes, limit),
};
const zlibWrapped = checkedCoding("inflateSync", "inflate");
const rawDeflate = checkedCoding("inflateRawSync", "inflateRaw");
const brotli = checkedCoding("brotliDecompressSync", "brotliDecompress");
const zstd: Coding = { decodeSync: decodeZstdSync, decodeAsync: decodeZstd };

/** Creates a coding from Node's functions of these names, which ignore bytes after the end. */
function checkedCoding(
  now: "inflateSync" | "inflateRawSync" | "brotliDecompressSync",
  soon: "inflate" | "inflateRaw" | "brotliDecompress",
): Coding {
  return {
    decodeSync: (bytes, limit) => requireWholeInput(bytes, loadZlib()[now](bytes, { ...limit, info: true })),
    decodeAsync: async (bytes, limit) => {
      const decode = promisify<Uint8Array, zlib.ZlibOptions, unknown>(loadZlib()[soon]);
      return requireWholeInput(bytes, await decode(bytes, { ...limit, info: true }));
    },
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
  while (frames.more)
    frames.add(loadZlib().zstdDecompressSync(frames.rest, { ...frames.options, info: true }));
  return frames.join();
}

async function decodeZstd(bytes: Uint8Array, { maxOutputLength }: OutputLimit): Promise<Buffer> {
  const decompressFrame = promisify(loadZlib().zstdDecompress);
  const frames = new ZstdFrames(bytes, maxOutputLength);
  while (frames.more) frames.add(await decompressFrame(frames.rest, { ...frames.options, info: true }));
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
