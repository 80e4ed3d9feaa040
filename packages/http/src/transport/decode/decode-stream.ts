import { ownValue } from "@holdfast/policy/internal";
import type { BodySource } from "../../model/body-source.ts";
import { ByteReader } from "./byte-reader.ts";
import { isZlib, parseContentEncoding } from "./codings.ts";
import { CountedSource, limitDecodedBytes, sliceBytes, type DecodeBounds } from "./decode-bounds.ts";
import { DecodedSource, type StreamCoding } from "./decoded-source.ts";
import { GzipSource, isGzip } from "./gzip-source.ts";
import { loadZlib } from "../../support/builtins.ts";

/**
 * Decodes a body piece by piece by its Content-Encoding (RFC 9110 §8.4). Like `decode`, it requires each coding's own end. A small
 * body that expands does not fill the memory: it is decoded as it is read, up to `maxBytes`, in slices of at most 64 KiB.
 *
 * A `read` of the result throws IncompleteBodyError, DecodeError, BodyTooLargeError, the source's error, or that of
 * `bounds.check`.
 *
 * @throws DecodeError for more than five codings.
 */
export function decodeStream(
  source: BodySource,
  contentEncoding: string | undefined,
  bounds: DecodeBounds,
): BodySource {
  const encoded = new CountedSource(source);
  let decoded: BodySource = encoded;
  for (const name of parseContentEncoding(contentEncoding).toReversed()) {
    const next = decodeOne(decoded, name, bounds);
    if (next === undefined) break;
    decoded = next;
  }
  return decoded === encoded ? source : limitDecodedBytes(decoded, encoded, bounds);
}

function decodeOne(
  source: BodySource,
  name: string,
  { check = noCheck }: DecodeBounds,
): BodySource | undefined {
  if (isGzip(name)) return new GzipSource(source, { name, check });
  const coding = ownValue(streamCodings, name);
  return coding && new DecodedSource(new ByteReader(source), { name, check }, coding);
}

const noCheck = (): void => undefined;
const options = { chunkSize: sliceBytes };

const streamCodings: Readonly<Record<string, StreamCoding>> = {
  deflate: {
    open: (first) =>
      isZlib(first) ? loadZlib().createInflate(options) : loadZlib().createInflateRaw(options),
    firstBytes: 2,
    trailing: "error",
  },
  br: { open: () => loadZlib().createBrotliDecompress(options), firstBytes: 1, trailing: "error" },
  // RFC 8878 §3.1: a body may consist of several frames.
  zstd: { open: () => loadZlib().createZstdDecompress(options), firstBytes: 1, trailing: "frame" },
};
