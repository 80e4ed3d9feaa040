import { isUtf8 } from "node:buffer";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { ListError } from "./list-error.ts";

/** The chunks of a source: text, or bytes. */
export type ListChunks = AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;

/** Enough bytes to recognise the encoding of a list. */
export const signatureBytes = 6;

/** Files that are often given as a list, and that no line could be read from. */
const otherFiles: readonly (readonly [name: string, signature: readonly number[]])[] = [
  ["UTF-32 text: save it as UTF-8", [0xff, 0xfe, 0, 0]],
  ["UTF-32 text: save it as UTF-8", [0, 0, 0xfe, 0xff]],
  ["a zip archive: unpack it first", [0x50, 0x4b, 3, 4]],
  ["compressed by bzip2: decompress it first", [0x42, 0x5a, 0x68]],
  ["compressed by xz: decompress it first", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]],
  ["compressed by zstd: decompress it first", [0x28, 0xb5, 0x2f, 0xfd]],
  ["a SQLite database, and not a list of URLs", [0x53, 0x51, 0x4c, 0x69, 0x74, 0x65]],
];

type Encoding = "utf-8" | "utf-16le" | "utf-16be" | "gzip";

// Text of a list begins with ASCII, so every second byte of UTF-16 without a mark is 0.
const signatures: readonly (readonly [Encoding, readonly (number | "ascii")[]])[] = [
  ["gzip", [0x1f, 0x8b]],
  ["utf-16le", [0xff, 0xfe]],
  ["utf-16be", [0xfe, 0xff]],
  ["utf-16le", ["ascii", 0, "ascii", 0]],
  ["utf-16be", [0, "ascii", 0, "ascii"]],
];

/**
 * Yields the text of a list: UTF-8, UTF-16 with or without a byte order mark, or either of them compressed by gzip. A byte
 * that is not UTF-8 is percent-encoded, because a URL names it so.
 *
 * @throws ListError for another kind of file, and for a damaged gzip file.
 */
export async function* decodeList(chunks: ListChunks, name: string): AsyncGenerator<string, void, undefined> {
  const iterator = readFirstBytes(chunks);
  const first = await iterator.next();
  if (first.done === true) return;
  const source = rejoin(first.value, iterator);
  const encoding = typeof first.value === "string" ? "utf-8" : detectEncoding(first.value, name);
  if (encoding === "gzip") yield* decodeList(gunzip(source, name), name);
  else if (encoding === "utf-8") yield* decodeText(source);
  else yield* decodeUtf16(source, encoding);
}

/** Returns the encoding of a list by its first bytes. @throws ListError for a file that is no list. */
export function detectEncoding(start: Uint8Array, name: string): Encoding {
  const other = otherFiles.find(([, signature]) => matches(start, signature));
  if (other !== undefined) throw new ListError(`cannot read ${name}: it is ${other[0]}`, name);
  return signatures.find(([, signature]) => matches(start, signature))?.[0] ?? "utf-8";
}

/** Whether the bytes begin with a signature, in which `"ascii"` stands for any byte but 0. */
function matches(start: Uint8Array, signature: readonly (number | "ascii")[]): boolean {
  return signature.every((byte, index) =>
    byte === "ascii" ? (start[index] ?? 0) > 0 : start[index] === byte,
  );
}

/** Yields the chunks, the first one long enough to recognise the encoding. */
async function* readFirstBytes(chunks: ListChunks): AsyncGenerator<string | Uint8Array, void, undefined> {
  let start: Uint8Array | undefined = new Uint8Array();
  for await (const chunk of chunks) {
    if (start === undefined) yield chunk;
    else if (typeof chunk === "string") {
      start = undefined;
      yield chunk;
    } else {
      start = start.length === 0 ? chunk : Buffer.concat([start, chunk]);
      if (start.length < signatureBytes && !endsLine(start)) continue;
      yield start;
      start = undefined;
    }
  }
  if (start !== undefined && start.length > 0) yield start;
}

/** A short line from a pipe must not wait for the next one. */
function endsLine(bytes: Uint8Array): boolean {
  return bytes.at(-1) === 0x0a;
}

async function* rejoin<T>(first: T, rest: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  yield first;
  yield* rest;
}

async function* decodeText(
  chunks: AsyncIterable<string | Uint8Array>,
): AsyncGenerator<string, void, undefined> {
  const decoder = new Utf8Decoder();
  let isFirst = true;
  for await (const chunk of chunks) {
    const text = typeof chunk === "string" ? chunk : decoder.write(chunk);
    yield isFirst ? removeMark(text) : text;
    isFirst &&= text === "";
  }
  yield decoder.end();
}

async function* decodeUtf16(
  chunks: AsyncIterable<string | Uint8Array>,
  encoding: Encoding,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder(encoding);
  for await (const chunk of chunks)
    yield typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}

function removeMark(text: string): string {
  return text.startsWith("\u{FEFF}") ? text.slice(1) : text;
}

async function* gunzip(
  chunks: AsyncIterable<string | Uint8Array>,
  name: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const stream = pipeline(chunks, createGunzip(), () => {});
  try {
    for await (const chunk of stream) yield chunk;
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || !String(error.code).startsWith("Z_")) throw error;
    throw new ListError(`cannot read ${name}: its gzip data is damaged or incomplete`, name, {
      cause: error,
    });
  }
}

/** Decodes UTF-8 in pieces. A byte that is not UTF-8 becomes `%E9`. */
class Utf8Decoder {
  #rest: Uint8Array = new Uint8Array();

  write(chunk: Uint8Array): string {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const end = bytes.length - incompleteBytes(bytes);
    this.#rest = bytes.subarray(end);
    return decodeUtf8(bytes.subarray(0, end));
  }

  end(): string {
    return decodeUtf8(this.#rest);
  }
}

/** Returns how many bytes at the end are the beginning of a longer character. */
function incompleteBytes(bytes: Uint8Array): number {
  for (let count = 1; count <= Math.min(3, bytes.length); count += 1) {
    const byte = bytes[bytes.length - count] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return sequenceLength(byte) > count ? count : 0;
  }
  return 0;
}

function sequenceLength(lead: number): number {
  if (lead < 0xc0) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

function decodeUtf8(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(buffer)) return buffer.toString("utf8");
  let text = "";
  let from = 0;
  for (let at = 0; at < buffer.length;) {
    const length = sequenceLength(buffer[at] ?? 0);
    const sequence = buffer.subarray(at, at + length);
    if (sequence.length === length && isUtf8(sequence)) {
      at += length;
      continue;
    }
    text += `${buffer.toString("utf8", from, at)}%${(buffer[at] ?? 0).toString(16).toUpperCase().padStart(2, "0")}`;
    at += 1;
    from = at;
  }
  return text + buffer.toString("utf8", from);
}
