import { ownValue } from "@holdfast/policy/internal";
import type { BodySource } from "../../model/body-source.ts";
import { BodyTooLargeError } from "../../errors/transport-errors.ts";
import { ByteReader } from "./byte-reader.ts";
import { isZlib, parseContentEncoding } from "./codings.ts";
import { DecodedSource, type StreamCoding } from "./decoded-source.ts";
import { GzipSource, isGzip } from "./gzip-source.ts";
import { loadZlib } from "../../support/builtins.ts";

/**
 * Decodes a body piece by piece by its Content-Encoding (RFC 9110 §8.4). Like `decode`, it requires each coding's own end. A small
 * body that expands does not fill the memory: it is decoded as it is read, up to `maxBytes`.
 *
 * A `read` of the result throws IncompleteBodyError, DecodeError, BodyTooLargeError, or the source's error.
 *
 * @throws DecodeError for more than five codings.
 */
export function decodeStream(
  source: BodySource,
  contentEncoding: string | undefined,
  maxBytes: number,
): BodySource {
  let decoded = source;
  for (const name of parseContentEncoding(contentEncoding).toReversed()) {
    const next = decodeOne(decoded, name);
    if (next === undefined) break;
    decoded = next;
  }
  return decoded === source ? source : limitDecodedBytes(decoded, maxBytes);
}

function decodeOne(source: BodySource, name: string): BodySource | undefined {
  if (isGzip(name)) return new GzipSource(source, name);
  const coding = ownValue(streamCodings, name);
  return coding && new DecodedSource(new ByteReader(source), name, coding);
}

const options = { chunkSize: 64 * 1024 };

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

function limitDecodedBytes(source: BodySource, maxBytes: number): BodySource {
  let given = 0;
  return {
    read: async () => {
      const piece = await source.read();
      given += piece?.length ?? 0;
      if (given > maxBytes) throw new BodyTooLargeError(maxBytes);
      return piece;
    },
    cancel: (reason) => source.cancel(reason),
    drain: async () => source.drain?.(),
  };
}
