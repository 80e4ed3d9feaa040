import { BodyTooLargeError } from "../../errors/transport-errors.ts";
import { toBodySource } from "../../model/body-source.ts";
import { addPiece, joinPieces } from "../../support/pieces.ts";
import { decodeSmall, parseContentEncoding } from "./codings.ts";
import type { DecodeBounds } from "./decode-bounds.ts";
import { decodeStream } from "./decode-stream.ts";

export { acceptEncoding } from "./codings.ts";

/**
 * Decodes a body by its Content-Encoding (RFC 9110 §8.4). Each coding must have its own end: half a gzip stream is not a body.
 * With an unknown coding the body stays as it was sent, as in requests.
 *
 * A body of at most 48 KiB is decoded on this thread. A longer one is decoded in slices of at most 64 KiB by other threads, and
 * the event loop runs between them: a few hundred bytes may be a gigabyte.
 *
 * @throws IncompleteBodyError, DecodeError, BodyTooLargeError when the decoded body exceeds `maxBytes` or the ratio limit, or the
 * error of `bounds.check`.
 */
export function decode(
  body: Buffer,
  contentEncoding: string | undefined,
  bounds: DecodeBounds,
): Buffer | Promise<Buffer> {
  const names = parseContentEncoding(contentEncoding);
  if (names.length === 0 || body.length === 0) return body;
  const [name] = names;
  const small = name === undefined || names.length > 1 ? undefined : decodeSmall(name, body, bounds.maxBytes);
  if (small === undefined) return decodeSlices(body, contentEncoding, bounds);
  if (small.length > bounds.maxBytes) throw new BodyTooLargeError(bounds.maxBytes);
  return small;
}

// How often a wait for memory looks at the deadline and the signal, which nothing else observes then.
const checkInterval = 50;

/** Counts decoded bytes, and waits while there is no memory for more. */
async function reserve({ observer, check, sleep }: DecodeBounds, bytes: number): Promise<void> {
  const memory = observer?.memory;
  if (memory === undefined || memory.add(bytes)) return;
  const freed = new Promise<"freed">((resolve) => {
    memory.wait(() => resolve("freed"));
  });
  for (let event: unknown; event !== "freed"; check?.())
    event = await (sleep === undefined ? freed : Promise.race([freed, sleep(checkInterval)]));
}

async function decodeSlices(
  body: Buffer,
  contentEncoding: string | undefined,
  bounds: DecodeBounds,
): Promise<Buffer> {
  const original = toBodySource(body);
  const source = decodeStream(original, contentEncoding, bounds);
  if (source === original) return body;
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for (let piece = await source.read(); piece !== undefined; piece = await source.read()) {
      addPiece(pieces, piece);
      length += piece.length;
      await reserve(bounds, piece.length);
    }
  } catch (error) {
    source.cancel(error);
    throw error;
  }
  return joinPieces(pieces, length);
}
