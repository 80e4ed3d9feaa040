import { DecodeError } from "../../errors/transport-errors.ts";
import { loadZlib } from "../../support/builtins.ts";

/** The supported codings, as the value of Accept-Encoding. */
export const acceptEncoding = "gzip, deflate, br, zstd";

// The synchronous decoders notice up to one chunk later that there is more: together 64 KiB.
const maxSmallBytes = 48 * 1024;
const options = { chunkSize: 16 * 1024, maxOutputLength: maxSmallBytes };

/**
 * Decodes a body on this thread if it has at most 48 KiB and a single frame. Undefined for a larger one, for an unknown coding, and
 * for one with damage, which the decoder of streams names.
 */
export function decodeSmall(name: string, body: Buffer, maxBytes: number): Buffer | undefined {
  // Text rarely expands by less. A larger body would be decoded twice.
  if (body.length > maxSmallBytes / 2 || maxBytes < 1) return undefined;
  try {
    return decodeOnce(name, body);
  } catch {
    return undefined;
  }
}

function decodeOnce(name: string, body: Buffer): Buffer | undefined {
  switch (name) {
    case "gzip":
    case "x-gzip":
      // The last four bytes are the length of the last member: an attempt would be in vain.
      return body.readUInt32LE(Math.max(0, body.length - 4)) > maxSmallBytes
        ? undefined
        : loadZlib().gunzipSync(body, options);
    case "deflate":
      // RFC 9110 §8.4.1.2 requires the zlib format. Many servers send raw deflate.
      return wholeInput(
        body,
        isZlib(body) ? loadZlib().inflateSync(body, withInfo) : loadZlib().inflateRawSync(body, withInfo),
      );
    case "br":
      return wholeInput(body, loadZlib().brotliDecompressSync(body, withInfo));
    case "zstd":
      return wholeInput(body, loadZlib().zstdDecompressSync(body, withInfo));
    default:
      return undefined;
  }
}

const withInfo = { ...options, info: true };

/** Returns the decoded bytes if they are all of the input. Node ignores bytes after the end, which may be another frame. */
function wholeInput(body: Buffer, decoded: unknown): Buffer | undefined {
  return isDecodedPart(decoded) && decoded.engine.bytesWritten === body.length ? decoded.buffer : undefined;
}

interface DecodedPart {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

// The types of Node do not include the result of `info`.
function isDecodedPart(part: unknown): part is DecodedPart {
  return typeof part === "object" && part !== null && "engine" in part && "buffer" in part;
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

/** Returns whether bytes start with a zlib header (RFC 1950 §2.2): the method is 8, and the first two bytes are a multiple of 31. */
export function isZlib([method = 0, flags = 0]: Uint8Array): boolean {
  return (method & 0x0f) === 8 && (method * 256 + flags) % 31 === 0;
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
