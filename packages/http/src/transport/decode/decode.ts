import { BodyTooLargeError, DecodeError, IncompleteBodyError } from "../../errors/transport-errors.ts";
import { findCoding, type Coding } from "./codings.ts";
import { errorCode } from "../errors/error-code.ts";

export { acceptEncoding } from "./codings.ts";

// Up to this size, passing the bytes to another thread takes longer than decoding them here.
const maxSyncBytes = 64 * 1024;

// Servers use one coding, rarely two.
const maxCodings = 5;

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
    if (code === "Z_BUF_ERROR") throw new IncompleteBodyError(body.length, undefined, { cause });
    throw new DecodeError(name, { cause });
  }
}

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
