import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { BodyTooLargeError, DecodeError, IncompleteBodyError } from "../errors.ts";
import { codeOf } from "./happy-eyeballs.ts";

/** The codings that `decode` understands, for Accept-Encoding. */
export const acceptEncoding = "gzip, deflate, br, zstd";

interface Limit {
  readonly maxOutputLength: number;
}

interface Coding {
  readonly now: (bytes: Uint8Array, options: Limit) => Buffer;
  readonly soon: (bytes: Uint8Array, options: Limit) => Promise<Buffer>;
}

const gzip: Coding = { now: zlib.gunzipSync, soon: promisify(zlib.gunzip) };
const zlibWrapped: Coding = { now: zlib.inflateSync, soon: promisify(zlib.inflate) };
const rawDeflate: Coding = { now: zlib.inflateRawSync, soon: promisify(zlib.inflateRaw) };
const brotli: Coding = { now: zlib.brotliDecompressSync, soon: promisify(zlib.brotliDecompress) };
const zstd: Coding = { now: zlib.zstdDecompressSync, soon: promisify(zlib.zstdDecompress) };

// Below this, handing the bytes to another thread takes longer than decoding them here.
const smallBytes = 64 * 1024;

/**
 * Undoes a Content-Encoding (RFC 9110 §8.4), and requires each coding's own end: half a gzip stream is not a body.
 * A coding that is not known leaves the body as it came, as requests does.
 *
 * @throws IncompleteBodyError, DecodeError, or BodyTooLargeError when it would grow over `maxBytes`.
 */
export function decode(body: Buffer, contentEncoding: string | undefined, maxBytes: number): Buffer | Promise<Buffer> {
  const names = codingsOf(contentEncoding);
  if (names.length === 0 || body.length === 0) return body;
  return decodeAll(body, names, maxBytes);
}

async function decodeAll(body: Buffer, names: readonly string[], maxBytes: number): Promise<Buffer> {
  let decoded = body;
  for (const name of names.toReversed()) {
    const coding = codingOf(name, decoded);
    if (coding === undefined) return decoded;
    decoded = await undo(coding, name, decoded, maxBytes);
  }
  return decoded;
}

async function undo(coding: Coding, name: string, body: Buffer, maxBytes: number): Promise<Buffer> {
  const options = { maxOutputLength: Math.min(maxBytes, 2 ** 31) };
  try {
    return await (body.length <= smallBytes ? coding.now(body, options) : coding.soon(body, options));
  } catch (cause) {
    const code = codeOf(cause);
    if (code === "ERR_BUFFER_TOO_LARGE") throw new BodyTooLargeError(maxBytes);
    if (code === "Z_BUF_ERROR" || code === "ERR_ZSTD_TRUNCATED") throw new IncompleteBodyError(body.length, undefined, { cause });
    throw new DecodeError(name, { cause });
  }
}

function codingsOf(contentEncoding: string | undefined): readonly string[] {
  if (contentEncoding === undefined) return [];
  return contentEncoding
    .toLowerCase()
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "" && name !== "identity");
}

function codingOf(name: string, body: Buffer): Coding | undefined {
  switch (name) {
    case "gzip":
    case "x-gzip":
      return gzip;
    case "deflate":
      // RFC 9110 §8.4.1.2 asks for the zlib format; many servers send the raw one.
      return ((body[0] ?? 0) & 0x0f) === 8 ? zlibWrapped : rawDeflate;
    case "br":
      return brotli;
    case "zstd":
      return zstd;
    default:
      return undefined;
  }
}
