import type { BodySource } from "../../model/body-source.ts";
import { DecodeError, IncompleteBodyError } from "../../errors/transport-errors.ts";
import { ByteReader } from "./byte-reader.ts";
import { loadZlib } from "../../support/builtins.ts";
import { sliceBytes } from "./decode-bounds.ts";
import { DecodedSource, type NamedCoding, type StreamCoding } from "./decoded-source.ts";

const deflate: StreamCoding = {
  open: () => loadZlib().createInflateRaw({ chunkSize: sliceBytes }),
  firstBytes: 1,
  trailing: "unread",
};

// RFC 1952 §2.3.1: the identification, and the only compression method.
const magic = [0x1f, 0x8b, 8];
const flag = { headerChecksum: 2, extra: 4, name: 8, comment: 16, reserved: 0xe0 };
const fixedHeaderBytes = 10;
const trailerBytes = 8;

/** Returns whether a content coding, in lower case, is gzip (RFC 9110 §8.4.1.3). */
export function isGzip(name: string): boolean {
  return name === "gzip" || name === "x-gzip";
}

/** The decoded data of one member. */
interface Member {
  readonly data: DecodedSource;
  checksum: number;
  bytes: number;
}

/**
 * Decodes gzip member by member (RFC 1952 §2.2). A member that is cut is an incomplete body. Bytes after a complete member that
 * begin no other member are ignored, as in urllib3, curl and browsers. Node's own decoder treats them as damage.
 */
export class GzipSource implements BodySource {
  readonly #reader: ByteReader;
  readonly #coding: NamedCoding;
  #member: Member | undefined;
  #hasMembers = false;
  #isCancelled: { readonly reason: unknown } | undefined;

  constructor(source: BodySource, coding: NamedCoding) {
    this.#reader = new ByteReader(source);
    this.#coding = coding;
  }

  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      if (this.#isCancelled !== undefined) throw this.#isCancelled.reason;
      this.#coding.check();
      this.#member ??= await this.#openMember();
      if (this.#member === undefined) return undefined;
      const piece = await this.#member.data.read();
      if (piece === undefined) await this.#closeMember(this.#member);
      else {
        this.#member.checksum = loadZlib().crc32(piece, this.#member.checksum);
        this.#member.bytes += piece.length;
        return piece;
      }
    }
  }

  cancel(reason: unknown): void {
    this.#isCancelled ??= { reason };
    if (this.#member === undefined) this.#reader.cancel(reason);
    else this.#member.data.cancel(reason);
  }

  async drain(): Promise<void> {
    await (this.#member?.data.drain() ?? this.#reader.drain());
  }

  /** Reads the header of a member. Returns undefined if the body has ended, or continues with something else. */
  async #openMember(): Promise<Member | undefined> {
    const start = (await this.#reader.peek(magic.length)).subarray(0, magic.length);
    if (start.length === 0) return undefined;
    if (!start.every((byte, index) => byte === magic[index])) {
      if (!this.#hasMembers) throw this.#damage("incorrect header");
      return this.#skipRest();
    }
    await this.#readHeader();
    this.#hasMembers = true;
    return { data: new DecodedSource(this.#reader, this.#coding, deflate), checksum: 0, bytes: 0 };
  }

  /** Reads to the end of the body, where a failure of the source would show. */
  async #skipRest(): Promise<undefined> {
    while ((await this.#reader.read()) !== undefined);
  }

  async #readHeader(): Promise<void> {
    const fixed = await this.#reader.take(fixedHeaderBytes);
    const flags = fixed[3] ?? 0;
    if ((flags & flag.reserved) !== 0) throw this.#damage("unknown header flags");
    let checksum = loadZlib().crc32(fixed);
    if ((flags & flag.extra) !== 0) {
      const length = await this.#reader.take(2);
      checksum = loadZlib().crc32(length, checksum);
      checksum = loadZlib().crc32(await this.#reader.take(length.readUInt16LE()), checksum);
    }
    for (const text of [flag.name, flag.comment])
      if ((flags & text) !== 0) checksum = await this.#skipText(checksum);
    if ((flags & flag.headerChecksum) === 0) return;
    if ((await this.#reader.take(2)).readUInt16LE() !== (checksum & 0xffff))
      throw this.#damage("incorrect header check");
  }

  /** Reads a text that ends with a zero byte. Returns the checksum that includes it. */
  async #skipText(checksum: number): Promise<number> {
    for (let sum = checksum; ;) {
      const piece = await this.#reader.read();
      if (piece === undefined) throw new IncompleteBodyError(this.#reader.received, undefined);
      const end = piece.indexOf(0) + 1;
      sum = loadZlib().crc32(end === 0 ? piece : piece.subarray(0, end), sum);
      if (end === 0) continue;
      this.#reader.unread(piece.subarray(end));
      return sum;
    }
  }

  async #closeMember({ checksum, bytes }: Member): Promise<void> {
    const trailer = await this.#reader.take(trailerBytes);
    if (trailer.readUInt32LE() !== checksum) throw this.#damage("incorrect data check");
    if (trailer.readUInt32LE(4) !== bytes % 2 ** 32) throw this.#damage("incorrect length check");
    this.#member = undefined;
  }

  #damage(message: string): DecodeError {
    return new DecodeError(this.#coding.name, { cause: new Error(message) });
  }
}
