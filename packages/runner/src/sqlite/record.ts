import { constants, crc32, zstdCompressSync, zstdDecompressSync } from "node:zlib";

/** The metadata of a recorded exchange: plain JSON. */
export interface RecordMeta {
  readonly id: number;
  readonly url: string;
  readonly status?: number;
  readonly headers?: readonly (readonly [string, string])[];
  readonly attempts: readonly unknown[];
  readonly error?: string;
}

/** A decoded record. */
export interface StoredRecord {
  readonly meta: RecordMeta;
  readonly body: Uint8Array;
}

/** Bytes before the compressed frame: a zstd skippable frame (RFC 8878 section 3.1.2) with the length and CRC-32 of the compressed frame. */
const headerBytes = 16;

const skippableMagic = 0x184d2a50;
const compression = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
const newline = 0x0a;

/**
 * Encodes a record as one skippable frame and one zstd frame, so that a file of records is itself valid zstd.
 * A decompressed record is one line of JSON followed by the body.
 */
export function encodeRecord(meta: RecordMeta, body: Uint8Array): Buffer {
  const frame = zstdCompressSync(
    Buffer.concat([Buffer.from(`${JSON.stringify(meta)}\n`), body]),
    compression,
  );
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(skippableMagic, 0);
  header.writeUInt32LE(headerBytes - 8, 4);
  header.writeUInt32LE(frame.length, 8);
  header.writeUInt32LE(crc32(frame), 12);
  return Buffer.concat([header, frame]);
}

/** Decodes a record of `encodeRecord`. Returns undefined when any bit has changed since. */
export function decodeRecord(bytes: Buffer): StoredRecord | undefined {
  if (
    bytes.length < headerBytes ||
    bytes.readUInt32LE(0) !== skippableMagic ||
    bytes.readUInt32LE(4) !== headerBytes - 8
  )
    return undefined;
  const frame = bytes.subarray(headerBytes);
  if (frame.length !== bytes.readUInt32LE(8) || crc32(frame) !== bytes.readUInt32LE(12)) return undefined;
  const content = zstdDecompressSync(frame);
  const end = content.indexOf(newline);
  const meta: unknown = JSON.parse(content.toString("utf8", 0, end));
  return isRecordMeta(meta) ? { meta, body: content.subarray(end + 1) } : undefined;
}

// A few fields are enough: the checksum proves that encodeRecord wrote the bytes.
function isRecordMeta(value: unknown): value is RecordMeta {
  return (
    typeof value === "object" && value !== null && "id" in value && "url" in value && "attempts" in value
  );
}
