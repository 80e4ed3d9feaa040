import zlib from "node:zlib";

// An older Node has no such exports, and would fail at an import of their names before its version is checked.
const { constants, crc32, zstdCompressSync, zstdDecompressSync } = zlib;

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

/**
 * Bytes before a compressed frame: a zstd skippable frame (RFC 8878 section 3.1.2) with the length of the compressed frame, and the
 * CRC-32 of it and of the record's frames before it.
 */
const headerBytes = 16;

/** The magic number of the header of a record's last piece. */
const lastPiece = 0x184d2a50;
/** The magic number of the header of every other piece. */
const furtherPiece = 0x184d2a51;
const compression = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
const newline = 0x0a;

/** Bytes of the body that are compressed at a time: only so many are in memory twice. */
const pieceBytes = 4 * 1_024 * 1_024;

/**
 * Encodes a record in pieces of one skippable frame and one zstd frame, so that a file of records is itself valid zstd.
 * A decompressed record is one line of JSON followed by the body.
 */
export function* encodeRecord(meta: RecordMeta, body: Uint8Array): Generator<Buffer, void, undefined> {
  const line = Buffer.from(`${JSON.stringify(meta)}\n`);
  let checksum = 0;
  const encodePiece = (content: Uint8Array, magic: number): Buffer => {
    const frame = zstdCompressSync(content, compression);
    checksum = crc32(frame, checksum);
    const header = Buffer.alloc(headerBytes);
    header.writeUInt32LE(magic, 0);
    header.writeUInt32LE(headerBytes - 8, 4);
    header.writeUInt32LE(frame.length, 8);
    header.writeUInt32LE(checksum, 12);
    return Buffer.concat([header, frame]);
  };
  if (body.length <= pieceBytes) {
    yield encodePiece(Buffer.concat([line, body]), lastPiece);
    return;
  }
  yield encodePiece(line, furtherPiece);
  for (let at = 0; at < body.length; at += pieceBytes) {
    const isLast = at + pieceBytes >= body.length;
    yield encodePiece(body.subarray(at, at + pieceBytes), isLast ? lastPiece : furtherPiece);
  }
}

/** Decodes a record of `encodeRecord`. Returns undefined when any bit has changed since. */
export function decodeRecord(bytes: Buffer): StoredRecord | undefined {
  const frames = splitPieces(bytes);
  if (frames === undefined) return undefined;
  const [first = Buffer.alloc(0), ...others] = frames.map((frame) => zstdDecompressSync(frame));
  const end = first.indexOf(newline);
  const meta: unknown = JSON.parse(first.toString("utf8", 0, end));
  if (!isRecordMeta(meta)) return undefined;
  return { meta, body: others.length === 0 ? first.subarray(end + 1) : Buffer.concat(others) };
}

/** Returns the compressed frames of a record; undefined unless all of it is there, as it was written. */
function splitPieces(bytes: Buffer): readonly Buffer[] | undefined {
  const frames: Buffer[] = [];
  let checksum = 0;
  for (let at = 0; at + headerBytes <= bytes.length;) {
    const magic = bytes.readUInt32LE(at);
    if ((magic !== lastPiece && magic !== furtherPiece) || bytes.readUInt32LE(at + 4) !== headerBytes - 8)
      return undefined;
    const end = at + headerBytes + bytes.readUInt32LE(at + 8);
    const frame = bytes.subarray(at + headerBytes, end);
    checksum = crc32(frame, checksum);
    if (end > bytes.length || checksum !== bytes.readUInt32LE(at + 12)) return undefined;
    frames.push(frame);
    if (magic === lastPiece) return end === bytes.length ? frames : undefined;
    at = end;
  }
  return undefined;
}

// A few fields are enough: the checksum proves that encodeRecord wrote the bytes.
function isRecordMeta(value: unknown): value is RecordMeta {
  return (
    typeof value === "object" && value !== null && "id" in value && "url" in value && "attempts" in value
  );
}
