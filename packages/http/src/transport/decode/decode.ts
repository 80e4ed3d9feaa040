import { BodyTooLargeError, DecodeError, IncompleteBodyError } from "../../errors/transport-errors.ts";
import { toBodySource } from "../../model/body-source.ts";
import { findCoding, parseContentEncoding, type Coding } from "./codings.ts";
import { decodeStream } from "./decode-stream.ts";
import { isGzip } from "./gzip-source.ts";
import { errorCode } from "../errors/error-code.ts";

export { acceptEncoding } from "./codings.ts";

// Up to this size, passing the bytes to another thread takes longer than decoding them here.
const maxSyncBytes = 64 * 1024;

/**
 * Decodes a body by its Content-Encoding (RFC 9110 §8.4). Each coding must have its own end: half a gzip stream is not a body.
 * With an unknown coding the body stays as it was sent, as in requests.
 *
 * @throws IncompleteBodyError, DecodeError, or BodyTooLargeError when the decoded body exceeds `maxBytes`.
 */
export function decode(
  body: Buffer,
  contentEncoding: string | undefined,
  maxBytes: number,
): Buffer | Promise<Buffer> {
  const names = parseContentEncoding(contentEncoding);
  if (names.length === 0 || body.length === 0) return body;
  return decodeAll(body, names, maxBytes);
}

async function decodeAll(body: Buffer, names: readonly string[], maxBytes: number): Promise<Buffer> {
  let decoded = body;
  for (const name of names.toReversed()) {
    const coding = findCoding(name, decoded);
    if (coding === undefined) return decoded;
    decoded = await decodeOne(decoded, { coding, name, maxBytes });
  }
  return decoded;
}

interface DecodeStep {
  readonly coding: Coding;
  readonly name: string;
  readonly maxBytes: number;
}

async function decodeOne(body: Buffer, { coding, name, maxBytes }: DecodeStep): Promise<Buffer> {
  const options = { maxOutputLength: Math.min(maxBytes, 2 ** 31) };
  try {
    return await (body.length <= maxSyncBytes
      ? coding.decodeSync(body, options)
      : coding.decodeAsync(body, options));
  } catch (cause) {
    const code = errorCode(cause);
    if (code === "ERR_BUFFER_TOO_LARGE") throw new BodyTooLargeError(maxBytes);
    if (isGzip(name)) return decodeMembers(body, name, maxBytes);
    if (code === "Z_BUF_ERROR") throw new IncompleteBodyError(body.length, undefined, { cause });
    throw new DecodeError(name, { cause });
  }
}

/** Decodes gzip that Node refuses: only the decoder of streams can tell damage from bytes after the end. */
async function decodeMembers(body: Buffer, name: string, maxBytes: number): Promise<Buffer> {
  const source = decodeStream(toBodySource(body), name, maxBytes);
  const pieces: Uint8Array[] = [];
  for (let piece = await source.read(); piece !== undefined; piece = await source.read()) pieces.push(piece);
  return Buffer.concat(pieces);
}
