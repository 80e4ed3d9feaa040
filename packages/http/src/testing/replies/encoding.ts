import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import type { Bytes } from "./steps.ts";
import { toBuffer } from "./steps.ts";

/** A content coding (RFC 9110 §8.4.1, RFC 8878). */
export type CodingName = "gzip" | "deflate" | "br" | "zstd";

const coders: Readonly<Record<CodingName, (bytes: Buffer) => Buffer>> = {
  gzip: (bytes) => gzipSync(bytes),
  deflate: (bytes) => deflateSync(bytes),
  br: (bytes) => brotliCompressSync(bytes),
  zstd: (bytes) => zstdCompressSync(bytes),
};

/** Returns the bytes in a content coding. */
export function encode(bytes: Bytes, coding: CodingName): Buffer {
  return coders[coding](toBuffer(bytes));
}
